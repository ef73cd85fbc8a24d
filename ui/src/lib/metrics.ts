// What the dashboard asks for: its key figures, and its panels of rows.
import type { Kind } from "./format";

export interface Metric {
  name: string;
  label: string;
  short: string;
  kind: Kind;
  // Whether more is better, for the color of a change.
  good: "up" | "down";
  explain: string;
}

const list: Metric[] = [
  { name: "activeUsers", label: "Active users", short: "Users", kind: "count", good: "up",
    explain: "Different users who looked at the site." },
  { name: "newUsers", label: "New users", short: "New", kind: "count", good: "up",
    explain: "Users whose first event is in this range. Without cookies a user is new each day." },
  { name: "sessions", label: "Sessions", short: "Sessions", kind: "count", good: "up",
    explain: "Visits, each ended by 30 minutes without an event." },
  { name: "engagementRate", label: "Engagement rate", short: "Engaged", kind: "rate", good: "up",
    explain: "Share of sessions with 10 seconds, a key event or two views. The rest bounced." },
  { name: "averageSessionDuration", label: "Session duration", short: "Duration", kind: "seconds",
    good: "up", explain: "Average time from the first to the last event of a session." },
  { name: "screenPageViews", label: "Views", short: "Views", kind: "count", good: "up",
    explain: "Pages and screens viewed, repeated views included." },
  { name: "eventCount", label: "Events", short: "Events", kind: "count", good: "up",
    explain: "Everything that was recorded." },
  { name: "keyEvents", label: "Key events", short: "Key", kind: "count", good: "up",
    explain: "Events that the property marks as a goal." },
  { name: "bounceRate", label: "Bounce rate", short: "Bounced", kind: "rate", good: "down",
    explain: "Share of sessions that were not engaged." },
];

const byName = new Map(list.map((m) => [m.name, m]));

export function metric(name: string): Metric {
  const m = byName.get(name);
  if (!m) throw new Error(`BUG: no metric ${name}`);
  return m;
}

/** The order of the metrics in the totals and the series reports. */
export const totals = list;

/** The tiles on top; the bounce rate rides on the engagement rate. */
export const tiles = list.filter((m) => m.name !== "bounceRate");

export interface Tab {
  dimension: string;
  label: string;
  metrics: [string, string];
}

export interface PanelSpec {
  id: string;
  title: string;
  tabs: Tab[];
}

export const panels: PanelSpec[] = [
  { id: "pages", title: "Pages", tabs: [
    { dimension: "pagePath", label: "Page", metrics: ["screenPageViews", "activeUsers"] },
    { dimension: "landingPage", label: "Landing page", metrics: ["sessions", "bounceRate"] },
  ] },
  { id: "sources", title: "Acquisition", tabs: [
    { dimension: "sessionDefaultChannelGroup", label: "Channel", metrics: ["sessions", "activeUsers"] },
    { dimension: "sessionSource", label: "Source", metrics: ["sessions", "activeUsers"] },
    { dimension: "sessionMedium", label: "Medium", metrics: ["sessions", "activeUsers"] },
    { dimension: "sessionCampaignName", label: "Campaign", metrics: ["sessions", "activeUsers"] },
  ] },
  { id: "places", title: "Places", tabs: [
    { dimension: "country", label: "Country", metrics: ["activeUsers", "sessions"] },
    { dimension: "city", label: "City", metrics: ["activeUsers", "sessions"] },
  ] },
  { id: "devices", title: "Technology", tabs: [
    { dimension: "deviceCategory", label: "Device", metrics: ["activeUsers", "sessions"] },
    { dimension: "browser", label: "Browser", metrics: ["activeUsers", "sessions"] },
    { dimension: "operatingSystem", label: "System", metrics: ["activeUsers", "sessions"] },
  ] },
  { id: "events", title: "Events", tabs: [
    { dimension: "eventName", label: "Event", metrics: ["eventCount", "activeUsers"] },
  ] },
  { id: "loyalty", title: "New and returning", tabs: [
    { dimension: "newVsReturning", label: "Visitor", metrics: ["activeUsers", "sessions"] },
  ] },
];

const dimensionLabels = new Map(panels.flatMap((p) => p.tabs.map((t) => [t.dimension, t.label])));

/** A dimension's name for people; one that only the address bar knows keeps the API's name. */
export function dimensionLabel(dimension: string): string {
  return dimensionLabels.get(dimension) ?? dimension;
}
