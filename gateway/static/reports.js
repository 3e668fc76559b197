// Days are typed only where "Choose the days" is chosen; whatever is changed is shown at once.
(() => {
  const form = document.getElementById("report-filters");
  const span = document.getElementById("span");
  const typed = form.querySelectorAll("[data-typed]");
  const show = () => {
    const wanted = span.value === "days";
    for (const one of typed) {
      one.hidden = !wanted;
      one.querySelector("input").disabled = !wanted;
    }
  };
  span.addEventListener("change", show);
  show();
  form.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT" && !(event.target === span && span.value === "days")) form.requestSubmit();
  });
})();
