// Reloads the page when another build is served than the one that made it.
(() => {
  const made = new URL(document.currentScript.src).searchParams.get("build");
  // Frames of one origin share the storage; each tries for itself.
  const remembered = `wasihttp-live-reload ${window === top ? "page" : "frame"} ${location.href}`;
  let events;
  const open = () => {
    if (events || document.hidden) return;
    events = new EventSource("/__wasihttp/live-reload");
    events.addEventListener("build", (event) => {
      // A page from the browser's cache names an old build for ever: try once.
      if (event.data === made || sessionStorage.getItem(remembered) === event.data) return;
      sessionStorage.setItem(remembered, event.data);
      location.reload();
    });
  };
  // Browsers open few connections to one server: only the page in sight has one.
  const close = () => {
    if (events) events.close();
    events = undefined;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
})();
