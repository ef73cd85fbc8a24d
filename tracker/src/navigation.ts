// Navigation without a page load: single-page sites move through the History API.

/** Calls back with the new address whenever the path or the query changed, and only then. */
export function watchNavigation(moved: (url: string) => void): void {
  const place = () => location.origin + location.pathname + location.search;
  let last = place();

  function check(): void {
    const now = place();
    if (now === last) return; // The same page: a new fragment or only new state.
    last = now;
    moved(location.href);
  }

  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method];
    history[method] = function (this: History, ...args: Parameters<History["pushState"]>) {
      original.apply(this, args);
      check();
    };
  }
  window.addEventListener("popstate", check);
}
