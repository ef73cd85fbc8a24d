// A browser small enough to read: just the parts of window that the tracker touches, with a clock
// that only the test moves. The tests run the built script, the bytes that visitors get.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const built = new URL("../../internal/ui/tracker/tidemark.js", import.meta.url);
export const scriptBytes = readFileSync(built);

class Target {
  listeners = {};
  addEventListener(type, fn) {
    (this.listeners[type] ??= []).push(fn);
  }
  dispatch(type, event = {}) {
    for (const fn of [...(this.listeners[type] ?? [])]) fn({ type, ...event });
  }
}

export class Browser {
  now = Date.UTC(2026, 0, 2, 3, 4, 5);
  timers = new Map();
  nextTimer = 1;
  requests = []; // Every fetch: {url, events, keepalive, answer(status), fail()}.
  beacons = []; // Every beacon: {url, events}.
  stored = new Map();
  beaconAccepts = true;
  beaconMissing = false;

  constructor({ url = "https://shop.example/", referrer = "", data = {}, before, ...rest } = {}) {
    Object.assign(this, rest);
    this.location = new URL(url);
    const document = (this.document = new Target());
    Object.assign(document, {
      referrer,
      title: "Home",
      visibilityState: "visible",
      focused: true,
      prerendering: rest.prerendering ?? false,
      hasFocus: () => document.focused,
      currentScript: {
        src: "https://stats.example/tidemark.js",
        dataset: { measurementId: "G-TEST", ...data },
      },
    });
    const window = (this.window = Object.assign(new Target(), this.globals()));
    window.window = window;
    vm.createContext(window);
    if (before) vm.runInContext(before, window);
    vm.runInContext(scriptBytes.toString(), window);
  }

  globals() {
    const browser = this;
    const clock = () => this.now;
    const go = (url) => {
      if (url != null) this.location.href = new URL(url, this.location.href).href;
    };
    const navigator = { language: "en-GB" };
    if (!this.beaconMissing) {
      navigator.sendBeacon = (url, body) => {
        if (browser.beaconAccepts) browser.beacons.push({ url, body, events: JSON.parse(body) });
        return browser.beaconAccepts;
      };
    }
    return {
      document: this.document,
      location: this.location,
      history: {
        pushState: (_state, _title, url) => go(url),
        replaceState: (_state, _title, url) => go(url),
      },
      navigator,
      screen: { width: 1440, height: 900 },
      performance: { now: clock },
      Date: { now: clock },
      URL,
      AbortController,
      crypto: globalThis.crypto,
      localStorage: {
        getItem: (key) => this.touchStorage() || (this.stored.get(key) ?? null),
        setItem: (key, value) => this.touchStorage() || this.stored.set(key, value),
      },
      setTimeout: (fn, ms) => this.timer(fn, ms),
      setInterval: (fn, ms) => this.timer(fn, ms, ms),
      clearTimeout: (id) => this.timers.delete(id),
      fetch: (url, init) => this.fetch(url, init),
    };
  }

  storageUsed = 0;
  touchStorage() {
    this.storageUsed++;
    if (this.storageThrows) throw new Error("storage is off");
  }

  timer(fn, ms, every) {
    const id = this.nextTimer++;
    this.timers.set(id, { fn, at: this.now + ms, every });
    return id;
  }

  fetch(url, init) {
    return new Promise((resolve, reject) => {
      const request = { url, ...init, events: JSON.parse(init.body) };
      request.answer = async (status, headers = {}) => {
        resolve({ status, headers: { get: (name) => headers[name] ?? null } });
        await settle();
      };
      request.fail = async () => {
        reject(new TypeError("network"));
        await settle();
      };
      init.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      this.requests.push(request);
    });
  }

  /** Lets ms pass, running the timers that fall due in their order. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at);
      if (!due.length) break;
      const [id, timer] = due[0];
      this.now = Math.max(this.now, timer.at);
      if (timer.every) timer.at += timer.every;
      else this.timers.delete(id);
      timer.fn();
      await settle();
    }
    this.now = end;
    await settle();
  }

  /** Lets what is queued go out and answers every request with 200. */
  async accept() {
    await this.pass(0);
    for (const request of this.requests) {
      if (!request.answered) {
        request.answered = true;
        await request.answer(200);
      }
    }
    await this.pass(0);
  }

  show(visibility) {
    this.document.visibilityState = visibility;
    this.document.dispatch("visibilitychange");
  }

  focus(focused) {
    this.document.focused = focused;
    this.window.dispatch(focused ? "focus" : "blur");
  }

  /** All events that left the page, by fetch or by beacon, in order, each id once. */
  get sent() {
    const seen = new Set();
    const all = [...this.requests, ...this.beacons].flatMap((r) => r.events);
    return all.filter((e) => !seen.has(e.event_id) && seen.add(e.event_id));
  }

  get names() {
    return this.sent.map((e) => e.name);
  }
}

/** Lets pending promises finish; it waits for no time. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}
