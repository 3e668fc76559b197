// The card on a phone: the way somebody was contacted is known, and a network that goes away takes nothing with it.
(() => {
  const DRAFT = `rodizio:act:${location.pathname}`;
  const TYPED = ["kind", "note", "next", "next_local"];
  const SENT = ["action_id", "as_of", "waited", "version"];
  const form = () => document.getElementById("act");
  let shownAt = Date.now();

  const keep = () => {
    const fields = form().elements;
    const draft = Object.fromEntries([...TYPED, ...SENT].map((name) => [name, fields[name].value]));
    try { sessionStorage.setItem(DRAFT, JSON.stringify(draft)); } catch { /* a browser that keeps nothing */ }
  };
  const forget = () => { try { sessionStorage.removeItem(DRAFT); } catch { /* as above */ } };

  // What was typed before the page was loaded anew. If it had been sent already it stays the same action: nobody knows whether it arrived.
  const bringBack = () => {
    let draft;
    try { draft = JSON.parse(sessionStorage.getItem(DRAFT)); } catch { return; }
    if (!draft || !form()) return;
    for (const name of draft.waited ? [...TYPED, ...SENT] : TYPED) form().elements[name].value = draft[name];
  };

  document.addEventListener("input", (event) => {
    if (!form()?.contains(event.target)) return;
    form().elements.waited.value = "";
    keep();
  });
  document.addEventListener("submit", (event) => {
    if (event.target !== form()) return;
    // By this device's clock only how long it took, for the clock itself may be wrong.
    const waited = form().elements.waited;
    waited.value ||= Math.max(0, Math.round((Date.now() - shownAt) / 1000));
    keep();
  }, true);
  document.addEventListener("click", (event) => {
    const kind = event.target.closest("[data-kind]")?.dataset.kind;
    const radio = kind && document.getElementById(`kind-${kind}`);
    if (radio) radio.checked = true;
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "work") return;
    shownAt = Date.now();
    forget();
  });
  bringBack();
})();
