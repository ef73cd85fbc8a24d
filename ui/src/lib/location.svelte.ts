// The address is the state: what is looked at can be bookmarked, shared and gone back to.
import { formatView, parseView, type View } from "./view";

class Location {
  path = $state(location.pathname);
  search = $state(location.search);
  view = $derived(parseView(this.search));

  constructor() {
    addEventListener("popstate", () => this.read());
  }

  private read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }

  go(path: string, search = ""): void {
    history.pushState(null, "", path + search);
    this.read();
    scrollTo(0, 0);
  }

  replace(path: string, search = ""): void {
    history.replaceState(null, "", path + search);
    this.read();
  }

  /** Changes a part of the view and keeps the rest. */
  set(change: Partial<View>): void {
    history.pushState(null, "", this.path + formatView({ ...this.view, ...change }));
    this.read();
  }

  /** Adds the filter, replaces the one on the same dimension, or takes it away if it is set. */
  toggleFilter(dimension: string, value: string): void {
    const others = this.view.filters.filter((f) => f.dimension !== dimension);
    const isSet = this.view.filters.some((f) => f.dimension === dimension && f.value === value);
    this.set({ filters: isSet ? others : [...others, { dimension, value }] });
  }
}

export const place = new Location();
