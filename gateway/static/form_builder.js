// Fields are dragged by their grip; without a mouse the buttons beside it do the same. Their order in the page is what
// is saved, so that nothing has to be numbered again.
(() => {
  let moving = null;
  const arm = () => document.querySelectorAll("[data-grip]").forEach((grip) => { grip.hidden = false; });

  document.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip) return;
    moving = grip.closest("[data-row]");
    moving.classList.add("is-moving");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(moving, 16, 16);
  });
  document.addEventListener("dragover", (event) => {
    const over = moving && event.target.closest?.("[data-row]");
    if (!over) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (over !== moving) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](moving);
  });
  document.addEventListener("drop", (event) => { if (moving) event.preventDefault(); });
  document.addEventListener("dragend", () => {
    moving?.classList.remove("is-moving");
    moving = null;
  });
  document.body.addEventListener("htmx:afterSwap", arm);
  arm();
})();
