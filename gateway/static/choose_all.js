// One tick for all of a list; without scripts each is ticked by itself.
(() => {
  for (const label of document.querySelectorAll("[data-choose-all]")) {
    label.hidden = false;
    const all = label.querySelector("input");
    const form = label.closest("form");
    const each = () => [...form.querySelectorAll('input[name="chosen"]')];
    all.addEventListener("change", () => each().forEach((box) => { box.checked = all.checked; }));
    form.addEventListener("change", () => {
      const ticked = each().filter((box) => box.checked).length;
      all.checked = ticked === each().length;
      all.indeterminate = ticked > 0 && !all.checked;
    });
  }
})();
