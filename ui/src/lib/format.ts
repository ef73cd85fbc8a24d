// Numbers, times and days as a person reads them. Everything goes through Intl.

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const signedPercent = new Intl.NumberFormat(undefined, {
  style: "percent",
  maximumFractionDigits: 1,
  signDisplay: "exceptZero",
});
const points = new Intl.NumberFormat(undefined, {
  maximumFractionDigits: 1,
  signDisplay: "exceptZero",
});

export type Kind = "count" | "rate" | "seconds";

export function formatNumber(n: number): string {
  return whole.format(n);
}

export function formatDuration(seconds: number): string {
  const s = Math.round(seconds);
  const rest = String(s % 60).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${rest} s`;
  return `${whole.format(Math.floor(s / 3600))} h ${String(Math.floor(s / 60) % 60).padStart(2, "0")} m`;
}

/** The full value. */
export function formatValue(kind: Kind, n: number): string {
  if (kind === "rate") return percent.format(n);
  if (kind === "seconds") return formatDuration(n);
  return whole.format(n);
}

/** A value on an axis, where space is short. */
export function formatAxis(kind: Kind, n: number): string {
  return kind === "count" ? compact.format(n) : formatValue(kind, n);
}

/** How a value moved: in percent, or for a rate in percentage points. Null: nothing to compare. */
export function formatChange(kind: Kind, now: number, before: number): string | null {
  if (kind === "rate") return points.format((now - before) * 100) + " pp";
  if (before === 0) return null;
  return signedPercent.format((now - before) / before);
}

export function formatDay(day: string, long = false): string {
  return new Intl.DateTimeFormat(undefined, {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    ...(long ? { weekday: "short", year: "numeric" } : {}),
  }).format(new Date(day + "T00:00:00Z"));
}

export function formatDays(days: { start: string; end: string }): string {
  const f = new Intl.DateTimeFormat(undefined, {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  return f.formatRange(new Date(days.start + "T00:00:00Z"), new Date(days.end + "T00:00:00Z"));
}

/** The label of a date or dateHour bucket. */
export function formatBucket(key: string): string {
  const day = `${key.slice(0, 4)}-${key.slice(4, 6)}-${key.slice(6, 8)}`;
  const label = formatDay(day, true);
  return key.length > 8 ? `${label}, ${key.slice(8)}:00` : label;
}

/** A moment in the property's time zone; the day only if it is not the same as today's. */
export function formatMoment(iso: string, timeZone: string, now: Date): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const day = new Intl.DateTimeFormat("en-CA", { timeZone });
  const sameDay = day.format(at) === day.format(now);
  return new Intl.DateTimeFormat(undefined, {
    timeZone,
    timeStyle: "medium",
    ...(sameDay ? {} : { dateStyle: "medium" }),
  }).format(at);
}
