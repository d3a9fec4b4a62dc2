// Reloads the page when another build is served than the one that made it, and shows over it why a
// newer build is not served.
(() => {
  const made = new URL(document.currentScript.src).searchParams.get("build");
  // A page about a failure shows that itself.
  const shown = document.documentElement?.dataset.wasihttpStale;
  // Frames of one origin share the storage; each tries for itself.
  const remembered = `wasihttp-live-reload ${window === top ? "page" : "frame"} ${location.href}`;
  let events, overlay, last, told;

  const hide = () => {
    if (!overlay) return;
    overlay.remove();
    overlay = undefined;
    removeEventListener("keydown", onKey, true);
  };
  const onKey = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    hide();
  };
  const element = (name, className, text) => {
    const e = document.createElement(name);
    e.className = className;
    e.textContent = text;
    return e;
  };
  // Neither markup nor style elements, which policies of pages forbid; and a shadow tree, so that
  // the page's own rules do not apply.
  const show = (stale) => {
    hide();
    overlay = document.createElement("wasihttp-overlay");
    const root = overlay.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(RULES);
    root.adoptedStyleSheets = [sheet];
    const box = element("div", "box", "");
    box.setAttribute("role", "alertdialog");
    box.setAttribute("aria-label", "The newest build is not served");
    box.append(element("div", "title", "The newest build is not served"),
      element("div", "reason", stale.reason));
    if (stale.lines && stale.lines.length > 0) {
      const pre = element("pre", "", "");
      for (const line of stale.lines) {
        for (const [className, text] of line) pre.append(element("span", className, text));
        pre.append("\n");
      }
      box.append(pre);
      requestAnimationFrame(() => (pre.scrollTop = pre.scrollHeight));
    }
    box.append(element("div", "foot",
      "This page is from the build before. Escape or a click beside this box closes it; " +
      "it goes away with the next good build."));
    box.addEventListener("click", (event) => event.stopPropagation());
    const back = element("div", "back", "");
    back.append(box);
    back.addEventListener("click", hide);
    root.append(back);
    document.documentElement.append(overlay);
    addEventListener("keydown", onKey, true);
  };
  const RULES = SPAN_RULES + `
:host { all: initial }
.back { position: fixed; inset: 0; z-index: 2147483647; padding: 5vh 16px; overflow: auto;
  background: rgb(0 0 0 / .55); box-sizing: border-box }
.box { max-width: 60rem; margin: 0 auto; padding: 1.25rem 1.5rem; background: #1a1f28;
  color: #e7eaf0; border-radius: 10px; border-top: 4px solid #ff7b92; box-sizing: border-box;
  font: 16px/1.55 system-ui, sans-serif; box-shadow: 0 12px 40px rgb(0 0 0 / .4) }
.title { font-weight: 600; font-size: 1.25rem }
.reason { margin-top: .5rem; color: #ff7b92; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 15px/1.5 ui-monospace, Menlo, Consolas, monospace }
pre { margin: 1rem 0 0; padding: .8rem 1rem; max-height: 60vh; overflow: auto; background: #11151c;
  border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13.5px/1.6 ui-monospace, Menlo, Consolas, monospace }
.foot { margin-top: 1rem; color: #98a2b3; font-size: 13.5px }`;
  const onStale = (event) => {
    const stale = JSON.parse(event.data);
    if (shown !== undefined) {
      if (shown !== String(stale.number)) location.reload();
      return;
    }
    told = stale.number !== 0;
    if (window !== top || stale.number === last) return;
    last = stale.number; // shown once: it may have been closed
    if (told) show(stale);
    else hide();
  };

  const open = () => {
    if (events || document.hidden) return;
    events = new EventSource("/__wasihttp/live-reload");
    events.addEventListener("open", () => (told = false));
    events.addEventListener("build", (event) => {
      if (!told) hide(); // the reason comes before
      // A page from the browser's cache names an old build for ever: try once.
      if (event.data === made || sessionStorage.getItem(remembered) === event.data) return;
      sessionStorage.setItem(remembered, event.data);
      location.reload();
    });
    events.addEventListener("stale", onStale);
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
