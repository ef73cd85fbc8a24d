// The time series: every bucket of the range has a place, whether or not the API named it.
import type { Row } from "./report";
import { bucketSeconds, buckets, isHourly, type Days } from "./ranges";
import type { Kind } from "./format";

export interface Point {
  key: string;
  seconds: number;
  value: number | null; // Null: not yet, or nothing to divide by.
  beforeKey: string | null;
  before: number | null;
}

export interface SeriesInput {
  rows: Row[]; // Dimensions: bucket, and range name when compared.
  column: number;
  kind: Kind;
  days: Days;
  before: Days | null;
  now: { day: string; hour: string };
}

/** Lays the rows of the current range and of the one before side by side, bucket by bucket. */
export function layOut(input: SeriesInput): Point[] {
  const { rows, column, kind, days, before, now } = input;
  const current = new Map<string, number>();
  const earlier = new Map<string, number>();
  for (const row of rows) {
    const target = row.dims[1] === "previous" ? earlier : current;
    target.set(row.dims[0]!, row.values[column] ?? 0);
  }
  // A count of nothing is zero; a rate or an average of nothing is no number.
  const nothing = kind === "count" ? 0 : null;
  const nowKey = now.day.replaceAll("-", "") + (isHourly(days) ? now.hour : "");
  const keys = buckets(days);
  const beforeKeys = before ? buckets(before) : [];
  return keys.map((key, i) => {
    const beforeKey = beforeKeys[i] ?? null;
    return {
      key,
      seconds: bucketSeconds(key),
      value: key > nowKey ? null : (current.get(key) ?? nothing),
      beforeKey,
      before: beforeKey === null ? null : (earlier.get(beforeKey) ?? nothing),
    };
  });
}
