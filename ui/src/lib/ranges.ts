// Calendar days of a property. A day is a string YYYY-MM-DD in the property's time zone; arithmetic
// on days never involves a zone, so no clock change can bend it.

export type Preset = "today" | "yesterday" | "7d" | "28d" | "30d" | "90d" | "custom";

export interface Days {
  start: string;
  end: string; // Inclusive.
}

export const presets: { id: Preset; label: string }[] = [
  { id: "today", label: "Today" },
  { id: "yesterday", label: "Yesterday" },
  { id: "7d", label: "7 days" },
  { id: "28d", label: "28 days" },
  { id: "30d", label: "30 days" },
  { id: "90d", label: "90 days" },
  { id: "custom", label: "Custom" },
];

export function isPreset(text: string | null): text is Preset {
  return presets.some((p) => p.id === text);
}

const DAY_MS = 86_400_000;

export function toUTC(day: string): number {
  const [y, m, d] = day.split("-").map(Number);
  return Date.UTC(y!, m! - 1, d!);
}

export function addDays(day: string, n: number): string {
  return new Date(toUTC(day) + n * DAY_MS).toISOString().slice(0, 10);
}

export function countDays(days: Days): number {
  return Math.round((toUTC(days.end) - toUTC(days.start)) / DAY_MS) + 1;
}

export function isDay(text: string | null): text is string {
  return text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && addDays(text, 0) === text;
}

/** The day and the hour (00 to 23) that it is in a time zone. */
export function wallClock(timeZone: string, now: Date): { day: string; hour: string } {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const get = (type: string) => parts.find((p) => p.type === type)?.value ?? "";
  return { day: `${get("year")}-${get("month")}-${get("day")}`, hour: get("hour") };
}

/** The days a preset stands for. Today belongs to it, for today's numbers are there too. */
export function resolve(preset: Preset, from: string | null, to: string | null, today: string): Days {
  switch (preset) {
    case "today":
      return { start: today, end: today };
    case "yesterday":
      return { start: addDays(today, -1), end: addDays(today, -1) };
    case "custom":
      if (isDay(from) && isDay(to) && from <= to) return { start: from, end: to };
      return resolve("7d", null, null, today);
    default:
      return { start: addDays(today, 1 - parseInt(preset, 10)), end: today };
  }
}

/** The days just before, as many. */
export function previous(days: Days): Days {
  const n = countDays(days);
  return { start: addDays(days.start, -n), end: addDays(days.end, -n) };
}

/** A single day is shown by the hour. */
export function isHourly(days: Days): boolean {
  return days.start === days.end;
}

/** The keys of the buckets of a range as the API writes them: date, or dateHour. */
export function buckets(days: Days): string[] {
  const keys: string[] = [];
  for (let day = days.start; day <= days.end; day = addDays(day, 1)) {
    const date = day.replaceAll("-", "");
    if (!isHourly(days)) keys.push(date);
    else for (let h = 0; h < 24; h++) keys.push(date + String(h).padStart(2, "0"));
  }
  return keys;
}

/** A bucket key as seconds for an axis on which every day has 24 hours. */
export function bucketSeconds(key: string): number {
  return (
    Date.UTC(+key.slice(0, 4), +key.slice(4, 6) - 1, +key.slice(6, 8), +key.slice(8, 10)) / 1000
  );
}
