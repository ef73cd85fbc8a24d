// The entry of the browser script: read the settings from our own script tag, wire the parts
// together, and start once the page is really shown to a person.
import { identity } from "./identity";
import { engagement } from "./engagement";
import { watchNavigation } from "./navigation";
import { outbox, type WireEvent } from "./outbox";

type Command = (verb: string, name: string, params?: Record<string, unknown>) => void;
type CommandQueue = Command & { q?: ArrayLike<unknown>[]; started?: boolean };

declare global {
  interface Window {
    tidemark?: CommandQueue;
  }
}

// How long a person may stay on one page before their engagement is reported anyway. It must be
// well under the session timeout (30 minutes): otherwise the report of a long read would arrive
// as a new session.
const HEARTBEAT_MS = 10 * 60 * 1000;

/** Copies the parameters as the wire knows them: scalars, and anything deeper (items) as JSON. */
function flat(params: Record<string, unknown> | undefined): WireEvent["params"] {
  if (!params) return undefined;
  const copy: WireEvent["params"] = {};
  for (const [key, value] of Object.entries(params)) {
    copy[key] = Object(value) === value ? JSON.stringify(value) : (value as string);
  }
  return copy;
}

function start(script: HTMLScriptElement, data: DOMStringMap): void {
  const waiting = window.tidemark;
  // A page that carries the script twice is still one page.
  if (waiting && waiting.started) return;

  const origin = new URL(script.src, location.href).origin;
  const out = outbox(
    (data.endpoint || origin + "/v1/events") +
      "?measurement_id=" +
      encodeURIComponent(data.measurementId || ""),
  );
  const who = identity(data.client === "storage");
  const focus = engagement();
  let url = location.href;
  let referrer = document.referrer;

  function send(name: string, extra: Partial<WireEvent>): void {
    out.add({
      name,
      url,
      referrer,
      language: navigator.language,
      screen: screen.width + "x" + screen.height,
      engaged: document.visibilityState === "visible",
      ...who(),
      ...extra,
    });
  }

  function reportEngagement(): void {
    const ms = focus.take();
    if (ms > 0) send("user_engagement", { engagement_ms: ms });
  }

  const command: CommandQueue = (verb, name, params) => {
    if (verb === "event" && name) send(String(name), { params: flat(params) });
  };
  command.started = true;
  window.tidemark = command;

  send("page_view", {});
  // What the page asked for before this script was there comes after the view it belongs to.
  for (const args of Array.from((waiting && waiting.q) || [])) {
    command(...(Array.from(args) as Parameters<Command>));
  }

  watchNavigation((next) => {
    reportEngagement();
    // The events of the old page take the title that they were made under.
    out.seal();
    referrer = url;
    url = next;
    send("page_view", {});
  });

  setInterval(reportEngagement, HEARTBEAT_MS);

  // Hidden may be the last thing that a phone tells us about a page, so everything goes now.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      reportEngagement();
      out.flush();
    }
  });
  window.addEventListener("pagehide", () => {
    focus.stop();
    reportEngagement();
    out.leave();
  });
  window.addEventListener("pageshow", (e) => {
    // Restored from the back/forward cache: the person sees the page again, so it is a view.
    if (!e.persisted) return;
    out.back();
    focus.start();
    send("page_view", {});
  });
}

const script = document.currentScript as HTMLScriptElement | null;
if (script && script.dataset.measurementId) {
  const begin = () => start(script, script.dataset);
  // A prerendered page has no visitor yet, and may never have one.
  if ((document as { prerendering?: boolean }).prerendering) {
    document.addEventListener("prerenderingchange", begin, { once: true });
  } else {
    begin();
  }
}
