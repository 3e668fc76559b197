// Keeps one page for a phone without a network; everything else always comes from the network.
const KEEP = "rodizio-1";
addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEEP).then((kept) => kept.add("/offline")).then(() => self.skipWaiting()));
});
addEventListener("activate", (event) => {
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEEP).map((name) => caches.delete(name)))).then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate" || event.request.method !== "GET") return;
  event.respondWith(fetch(event.request).catch(() => caches.match("/offline")));
});
