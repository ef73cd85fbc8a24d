// Engagement time: how long the page was both visible and focused. It is a stopwatch on a
// monotonic clock, so a changed system clock does not bend it.

export interface Engagement {
  /** Returns the whole milliseconds since the last take, and starts again from zero. */
  take(): number;
  /** Stops counting whatever the page looks like: it is going away. */
  stop(): void;
  /** Counts again: the page came back. */
  start(): void;
}

export function engagement(): Engagement {
  let total = 0;
  let since = -1; // The moment counting began, or -1 while it rests.
  let gone = false;

  function update(): void {
    const now = performance.now();
    if (since >= 0) total += now - since;
    // A click into an iframe blurs the window, but the document still has the focus: ask.
    const active = !gone && document.visibilityState === "visible" && document.hasFocus();
    since = active ? now : -1;
  }

  update();
  document.addEventListener("visibilitychange", update);
  window.addEventListener("focus", update);
  window.addEventListener("blur", update);

  return {
    take() {
      update();
      const ms = Math.floor(total);
      total -= ms;
      return ms;
    },
    stop() {
      gone = true;
      update();
    },
    start() {
      gone = false;
      update();
    },
  };
}
