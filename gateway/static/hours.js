// Working hours and holidays: more shifts, fewer, one day copied to others. Without it there is always one empty line.
(() => {
  const form = document.querySelector("form[data-hours]");
  if (!form) return;
  const all = (where, what) => [...where.querySelectorAll(what)];
  const shown = (where) => all(where, "[data-remove], [data-tools], [data-add], [data-add-holiday]").forEach((piece) => { piece.hidden = false; });

  const another = (line) => {
    const fresh = line.cloneNode(true);
    all(fresh, "input").forEach((input) => { input.value = ""; });
    line.after(fresh);
    return fresh;
  };
  // The last line is emptied and not taken away: others are made of it.
  const remove = (line, kind) => {
    if (all(line.parentElement, kind).length > 1) line.remove();
    else all(line, "input").forEach((input) => { input.value = ""; });
  };
  const shifts = (day) => all(day, "[data-shift]").map((line) => all(line, "input").map((input) => input.value)).filter((pair) => pair[0] || pair[1]);
  const fill = (day, pairs) => {
    all(day, "[data-shift]").slice(1).forEach((line) => line.remove());
    let line = day.querySelector("[data-shift]");
    (pairs.length ? pairs : [["", ""]]).forEach((pair, place) => {
      if (place) line = another(line);
      all(line, "input").forEach((input, which) => { input.value = pair[which]; });
    });
  };

  // With buttons for more, the empty line after the filled ones is only in the way.
  all(form, "[data-day]").forEach((day) => { const pairs = shifts(day); if (pairs.length) fill(day, pairs); });
  shown(form);

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[type=button]");
    if (!button) return;
    const day = button.closest("[data-day]");
    if ("add" in button.dataset) another(all(day, "[data-shift]").pop()).querySelector("input").focus();
    else if (button.dataset.copyDays) {
      const pairs = shifts(day);
      button.dataset.copyDays.split(",").forEach((number) => fill(form.querySelector(`[data-day="${number}"]`), pairs));
      window.rodizio?.say(button.dataset.said, "success");
    } else if ("addHoliday" in button.dataset) another(all(form, "[data-holiday]").pop()).querySelector("input").focus();
    else if ("remove" in button.dataset) {
      const line = button.closest("[data-shift], [data-holiday]");
      remove(line, line.hasAttribute("data-shift") ? "[data-shift]" : "[data-holiday]");
    }
  });
})();
