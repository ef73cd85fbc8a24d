// Who an event belongs to. By default nobody says: nothing is stored in the browser, and the
// server derives an identity that lives one day. A site that may (data-client="storage") keeps a
// client id and a session id in localStorage.
import { randomID } from "./random";
import type { WireEvent } from "./outbox";

type Identity = Pick<WireEvent, "client_id" | "session_id" | "first_visit">;

const KEY = "tidemark";
const SESSION_TIMEOUT_MS = 30 * 60 * 1000;

/** Returns a function that names the client and the session of an event sent now. */
export function identity(stored: boolean): () => Identity {
  if (!stored) return () => ({});
  return () => {
    try {
      const now = Date.now();
      const [client, session, seen] = (localStorage.getItem(KEY) || "").split(".");
      const fresh = !seen || now - +seen >= SESSION_TIMEOUT_MS;
      const ids: Identity = {
        client_id: client || randomID(),
        session_id: fresh ? randomID() : session,
        first_visit: client ? undefined : true,
      };
      localStorage.setItem(KEY, ids.client_id + "." + ids.session_id + "." + now);
      return ids;
    } catch {
      // Storage is off or full: this visitor is counted without it.
      return {};
    }
  };
}
