// What pages need beyond htmx: news of a lead, toasts, a phone that goes offline. No page depends on it to be read.
(() => {
  const say = (text, kind = "danger") => {
    // Said again, it is not said twice: without a network whatever the page asks for by itself fails, too.
    for (const said of document.querySelectorAll("#toasts > .toast")) if (said.textContent === text) said.remove();
    const toast = document.createElement("div");
    toast.className = `toast show align-items-center text-bg-${kind} border-0`;
    toast.setAttribute("role", "status");
    const body = document.createElement("div");
    body.className = "toast-body";
    body.textContent = text;
    toast.append(body);
    document.getElementById("toasts").append(toast);
    setTimeout(() => toast.remove(), 8000);
  };
  window.rodizio = { say };

  const words = document.body.dataset;
  document.body.addEventListener("htmx:sendError", () => say(words.offline));
  document.body.addEventListener("htmx:timeout", () => say(words.offline));
  document.body.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.status === 401 ? words.expired : words.failed));

  // A form that is sent without a network would lose what was typed to the browser's own error page.
  document.addEventListener("submit", (event) => {
    if (navigator.onLine || event.defaultPrevented || event.target.method === "dialog") return;
    event.preventDefault();
    say(words.offline);
  });
  // Pressed twice is meant once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 4000);
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText("value" in source ? source.value : source.textContent);
    say(button.dataset.copied, "success");
  });

  // News of a lead by server-sent events; without it the badge asks now and then all the same.
  const badge = document.getElementById("badge");
  if (badge && badge.dataset.live && "EventSource" in window) {
    // What happened while nobody listened is not told again: the badge is asked for whenever the stream opens again.
    const news = (event) => document.body.dispatchEvent(new CustomEvent("rodizio:lead", { detail: event.data ? JSON.parse(event.data) : {} }));
    let stream, since;
    const listen = (address) => {
      const isFirst = !stream;
      stream?.close();
      stream = new EventSource(address);
      since = Date.now();
      for (const kind of ["lead", "missed"]) stream.addEventListener(kind, news);
      const opened = stream;
      if (isFirst) opened.addEventListener("open", () => opened.addEventListener("open", news), { once: true });
      else opened.addEventListener("open", news);
    };
    listen(badge.dataset.live);
    // An address is good for a quarter of an hour; every badge brings another one, while the session lasts.
    badge.addEventListener("htmx:afterSwap", () => {
      const address = badge.querySelector("[data-live]")?.dataset.live;
      if (address && (stream.readyState === EventSource.CLOSED || Date.now() - since > 10 * 60 * 1000)) listen(address);
    });
    badge.addEventListener("htmx:afterRequest", (event) => event.detail.xhr.status === 204 && stream.close());
    addEventListener("pagehide", () => stream.close(), { once: true });
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }

  // A toast that came with the badge goes by itself; what it told stays in the inbox.
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id !== "toasts") return;
    for (const toast of event.detail.target.querySelectorAll(".toast[data-seconds]")) {
      setTimeout(() => toast.remove(), toast.dataset.seconds * 1000);
      delete toast.dataset.seconds;
    }
  });

  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
})();
