// Choosing leads or contacts from a list: all at once, and how many they are.
(() => {
  const picks = (form) => [...form.querySelectorAll("input.pick")];
  const show = (form) => {
    const all = picks(form);
    const chosen = all.filter((pick) => pick.checked).length;
    const said = form.querySelector(".give-count");
    if (said) said.textContent = chosen === 1 ? said.dataset.one : chosen ? said.dataset.many.replace("{number}", chosen) : "";
    const whole = form.querySelector("[data-pick-all] input");
    if (!whole) return;
    whole.checked = chosen > 0 && chosen === all.length;
    whole.indeterminate = chosen > 0 && chosen < all.length;
  };
  const arm = () => document.querySelectorAll("form[data-giving]").forEach((form) => {
    form.querySelectorAll("[data-pick-all]").forEach((label) => { label.hidden = !picks(form).length; });
    show(form);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-giving]");
    if (!form) return;
    if (event.target.closest("[data-pick-all]")) picks(form).forEach((pick) => { pick.checked = event.target.checked; });
    show(form);
  });
  document.body.addEventListener("htmx:afterSwap", arm);
  arm();
})();
