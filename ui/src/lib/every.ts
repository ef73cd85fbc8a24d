// Polling that rests while nobody looks.

/** Calls fn every ms while the tab is visible, and at once when it becomes visible again. */
export function everyWhileVisible(ms: number, fn: () => void): () => void {
  const tick = () => {
    if (document.visibilityState === "visible") fn();
  };
  const timer = setInterval(tick, ms);
  document.addEventListener("visibilitychange", tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  };
}
