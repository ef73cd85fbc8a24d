// A view of the dashboard, and how it is written in an address.
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
