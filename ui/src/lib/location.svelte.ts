// The address is the state: what is looked at can be bookmarked, shared and gone back to.
import { isPreset, type Preset } from "./ranges";
import type { Filter } from "./report";

export interface View {
  property: string | null;
  range: Preset;
  from: string | null;
  to: string | null;
  compare: boolean;
  metric: string;
  filters: Filter[];
}

const DEFAULT_RANGE: Preset = "7d";
const DEFAULT_METRIC = "activeUsers";

export function parseView(search: string): View {
  const q = new URLSearchParams(search);
  const range = q.get("range");
  return {
    property: q.get("property"),
    range: isPreset(range) ? range : DEFAULT_RANGE,
    from: q.get("from"),
    to: q.get("to"),
    compare: q.get("compare") !== "off",
    metric: q.get("metric") ?? DEFAULT_METRIC,
    filters: q.getAll("filter").flatMap((text) => {
      const at = text.indexOf(":");
      return at > 0 ? [{ dimension: text.slice(0, at), value: text.slice(at + 1) }] : [];
    }),
  };
}

export function formatView(view: View): string {
  const q = new URLSearchParams();
  if (view.property) q.set("property", view.property);
  if (view.range !== DEFAULT_RANGE) q.set("range", view.range);
  if (view.range === "custom") {
    if (view.from) q.set("from", view.from);
    if (view.to) q.set("to", view.to);
  }
  if (!view.compare) q.set("compare", "off");
  if (view.metric !== DEFAULT_METRIC) q.set("metric", view.metric);
  for (const f of view.filters) q.append("filter", `${f.dimension}:${f.value}`);
  const text = q.toString();
  return text ? "?" + text : "";
}

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
