// The outbox: events wait here until the server has answered for them.
//
// While the page lives, a keepalive fetch carries them: its answer is seen, so what failed is
// tried again with the same event ids and counts once. When the page goes, sendBeacon carries
// the rest: it only says "queued", so it is the last resort and not the normal path. Nothing is
// written to the browser's storage; what a dying browser still held is lost.
import { randomID } from "./random";

export interface WireEvent {
  name: string;
  event_id: string;
  time: number;
  url: string;
  referrer: string;
  title?: string;
  language: string;
  screen: string;
  engaged: boolean;
  engagement_ms?: number;
  client_id?: string;
  session_id?: string;
  first_visit?: true;
  params?: Record<string, string | number | boolean>;
}

export interface Outbox {
  /** Queues an event; it leaves with the others of the same moment. */
  add(event: Omit<WireEvent, "event_id" | "time">): void;
  /** Gives the events queued so far the title that the page has now. */
  seal(): void;
  /** Sends what is queued at once. */
  flush(): void;
  /** The page is going: hands everything to the browser. */
  leave(): void;
  /** The page came back. */
  back(): void;
}

// The server remembers event ids for 72 hours; a retry must come well within that.
const MAX_AGE_MS = 24 * 60 * 60 * 1000;
// Browsers refuse keepalive and beacon bodies over 64 KiB, all that are under way together.
const MAX_BODY = 48 * 1024;
const MAX_BATCH = 50;
// Bounds memory while the server is away. The oldest events are kept: they began the visit.
const MAX_QUEUED = 500;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5 * 60 * 1000;
const ANSWER_TIMEOUT_MS = 30 * 1000;

export function outbox(endpoint: string): Outbox {
  let queue: WireEvent[] = [];
  // Events of a request that broke off while the page was being left. See retry.
  let held: WireEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let sending = false;
  let leaving = false;
  let failures = 0;

  function seal(): void {
    // The title is taken late: single-page sites change the address first and the title after.
    for (const event of queue) event.title ??= document.title;
  }

  /** Takes the next events off the queue, as many as one request may carry. */
  function take(): { events: WireEvent[]; body: string } {
    seal();
    const oldest = Date.now() - MAX_AGE_MS;
    queue = queue.filter((event) => event.time > oldest);
    const parts: string[] = [];
    let size = 2;
    for (const event of queue.slice(0, MAX_BATCH)) {
      const part = JSON.stringify(event);
      // At worst three bytes of UTF-8 for each UTF-16 unit.
      size += part.length * 3 + 1;
      if (parts.length && size > MAX_BODY) break;
      parts.push(part);
    }
    return { events: queue.splice(0, parts.length), body: "[" + parts.join() + "]" };
  }

  const address = () => endpoint + "&sent=" + Date.now();

  function post(body: string, signal?: AbortSignal): Promise<Response> {
    // A string body is text/plain, so no preflight request is needed.
    const keepalive = body.length * 3 < 64 * 1024;
    return fetch(address(), { method: "POST", body, keepalive, credentials: "omit", signal });
  }

  function schedule(delay: number): void {
    clearTimeout(timer);
    timer = setTimeout(flush, delay);
  }

  function retry(events: WireEvent[], after: number): void {
    // A browser that takes a page away rejects its fetches but carries the keepalive ones through.
    // To send those again would only make duplicates, so they wait in case the page comes back.
    if (leaving) {
      held = held.concat(events);
      return;
    }
    queue = events.concat(queue);
    const backoff = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
    // Jitter, so that the visitors of a site do not all come back in the same second.
    schedule(Math.max(after * 1000, backoff * (0.5 + Math.random() / 2)));
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    // One request at a time: what is queued meanwhile goes together in the next.
    if (sending || !queue.length) return;
    const { events, body } = take();
    if (!events.length) return;
    sending = true;
    const stop = new AbortController();
    const limit = setTimeout(() => stop.abort(), ANSWER_TIMEOUT_MS);
    const done = (failed: boolean, after: number) => {
      clearTimeout(limit);
      sending = false;
      if (failed) return retry(events, after);
      // Another 4xx would be refused again however often it came: it is not tried again.
      failures = 0;
      if (queue.length) schedule(0);
    };
    post(body, stop.signal).then(
      (answer) => {
        const failed = answer.status >= 500 || answer.status === 429;
        done(failed, failed ? +(answer.headers.get("Retry-After") || 0) || 0 : 0);
      },
      () => done(true, 0),
    );
  }

  function leave(): void {
    leaving = true;
    while (queue.length) {
      const { body } = take();
      if (body === "[]") break;
      // Without a beacon (old browser, or its quota is used up) a keepalive fetch may still pass.
      if (!(navigator.sendBeacon && navigator.sendBeacon(address(), body))) {
        post(body).catch(() => {});
      }
    }
  }

  return {
    add(event) {
      if (queue.length >= MAX_QUEUED) return;
      queue.push({ event_id: randomID(), time: Date.now(), ...event });
      if (leaving) leave();
      // A timer that is already set is a flush or a retry: the event goes with it.
      else if (timer === undefined) schedule(0);
    },
    seal,
    flush,
    leave,
    back() {
      leaving = false;
      queue = held.concat(queue);
      held = [];
      if (queue.length) schedule(0);
    },
  };
}
