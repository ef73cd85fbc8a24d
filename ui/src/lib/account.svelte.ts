// Who is logged in, and the way out when nobody is.
import { ApiError, call, type Me } from "./api";
import { place } from "./location.svelte";

class Account {
  me = $state<Me | null>(null);
  error = $state<ApiError | null>(null);

  async load(): Promise<void> {
    this.error = null;
    try {
      this.me = await call<Me>("GET", "/v1/me");
    } catch (e) {
      if (!this.handle(e)) this.error = e as ApiError;
    }
  }

  /** Sends an unknown visitor to the login page; reports whether it did. */
  handle(e: unknown): boolean {
    if (!(e instanceof ApiError) || e.status !== 401) return false;
    this.me = null;
    if (place.path !== "/login") {
      const next = place.path + place.search;
      place.replace("/login", next === "/" ? "" : "?next=" + encodeURIComponent(next));
    }
    return true;
  }

  async login(email: string, password: string): Promise<void> {
    this.me = await call<Me>("POST", "/v1/login", { email, password });
    const next = new URLSearchParams(place.search).get("next") ?? "/";
    // Only a path of our own: an address from elsewhere must not follow a login.
    const url = new URL(next, location.origin);
    const own = url.origin === location.origin;
    place.replace(own ? url.pathname : "/", own ? url.search : "");
  }

  async setup(token: string, email: string, password: string): Promise<void> {
    this.me = await call<Me>("POST", "/v1/setup", { token, email, password });
    place.replace("/"); // The token is spent; it leaves the address bar too.
  }

  async logout(): Promise<void> {
    await call<void>("POST", "/v1/logout", {});
    this.me = null;
    place.go("/login");
  }
}

export const account = new Account();
