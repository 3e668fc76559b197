// For the forms of Rodízio on any site: sends without leaving the page, tells where the visitor came from.
(() => {
  let seen = {};
  try { seen = JSON.parse(sessionStorage.rodizio || "{}"); } catch {}
  for (const [name, value] of new URLSearchParams(location.search)) if (/^(utm_.*|gclid|fbclid)$/.test(name)) seen[name] = value;
  if (document.referrer && !document.referrer.startsWith(location.origin)) seen.referrer ??= document.referrer;
  try { sessionStorage.rodizio = JSON.stringify(seen); } catch {}

  for (const form of document.querySelectorAll("form[data-rodizio]")) {
    let busy;
    const find = (name) => { const found = form.elements.namedItem(name); return found?.length && !found.tagName ? found[0] : found; };
    const put = (name, value) => {
      const input = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      form.append(input);
      return input;
    };
    for (const name in seen) if (!find(name)) put(name, seen[name]);
    // The same text sent twice is one lead; a changed text is another.
    const id = put("_submission_id", "");
    form.addEventListener("input", () => { id.value = ""; });
    const say = (text, where) => {
      const error = Object.assign(document.createElement("span"), { className: "rodizio-error", textContent: text });
      error.setAttribute("role", "alert");
      where?.setAttribute("aria-invalid", "true");
      where ? (where.closest("label") || where).after(error) : form.prepend(error);
      return where;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      form.querySelectorAll(".rodizio-error").forEach((error) => error.remove());
      form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
      id.value ||= Date.now().toString(36) + Math.random().toString(36).slice(2);
      try {
        const body = new URLSearchParams(new FormData(form));
        const answer = await (await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } })).json();
        if (answer.errors) return answer.errors.map((error) => say(error.message, find(error.field))).find(Boolean)?.focus();
        form.dispatchEvent(new CustomEvent("rodizio:sent", { bubbles: true, detail: answer }));
        const next = find("_next")?.value;
        if (next) return void (location.href = next);
        const thanks = Object.assign(document.createElement("p"), { className: "rodizio-thanks", textContent: form.dataset.rodizio, tabIndex: -1 });
        thanks.style.whiteSpace = "pre-line";
        form.replaceWith(thanks);
        thanks.focus();
      } catch {
        HTMLFormElement.prototype.submit.call(form);
      } finally {
        busy = false;
      }
    });
  }
})();
