// Days: presets, the days before, buckets, and clocks that change.
import test from "node:test";
import assert from "node:assert/strict";
import { addDays, buckets, countDays, isDay, previous, resolve, wallClock } from "../node_modules/.test/parts.js";

const today = "2026-03-30";

test("presets end today, which belongs to them", () => {
  assert.deepEqual(resolve("today", null, null, today), { start: today, end: today });
  assert.deepEqual(resolve("yesterday", null, null, today), { start: "2026-03-29", end: "2026-03-29" });
  for (const [preset, n] of [["7d", 7], ["28d", 28], ["30d", 30], ["90d", 90]]) {
    const days = resolve(preset, null, null, today);
    assert.equal(days.end, today);
    assert.equal(countDays(days), n);
  }
});

test("a custom range that makes no sense falls back to seven days", () => {
  const seven = resolve("7d", null, null, today);
  assert.deepEqual(resolve("custom", "2026-01-05", "2026-02-01", today), { start: "2026-01-05", end: "2026-02-01" });
  assert.deepEqual(resolve("custom", "2026-02-01", "2026-01-05", today), seven);
  assert.deepEqual(resolve("custom", "2026-02-30", "2026-03-05", today), seven);
  assert.deepEqual(resolve("custom", null, "2026-03-05", today), seven);
});

test("the days before are as many and end the day before", () => {
  assert.deepEqual(previous({ start: "2026-03-01", end: "2026-03-07" }), { start: "2026-02-22", end: "2026-02-28" });
  assert.deepEqual(previous({ start: today, end: today }), { start: "2026-03-29", end: "2026-03-29" });
});

test("arithmetic on days passes leap days and clock changes", () => {
  assert.equal(addDays("2028-02-28", 1), "2028-02-29");
  assert.equal(addDays("2026-03-28", 2), "2026-03-30"); // Europe's clocks change between them.
  assert.ok(!isDay("2027-02-29") && isDay("2028-02-29") && !isDay("2028-2-9") && !isDay(null));
});

test("one day has hours, more days have days", () => {
  const hours = buckets({ start: today, end: today });
  assert.equal(hours.length, 24);
  assert.equal(hours[0], "2026033000");
  assert.equal(hours[23], "2026033023");
  assert.deepEqual(buckets({ start: "2026-02-27", end: "2026-03-01" }), ["20260227", "20260228", "20260301"]);
});

test("the wall clock is the property's: half-hour zones and the other side of the date line", () => {
  const now = new Date("2026-03-30T18:45:00Z");
  assert.deepEqual(wallClock("UTC", now), { day: "2026-03-30", hour: "18" });
  assert.deepEqual(wallClock("Asia/Kolkata", now), { day: "2026-03-31", hour: "00" });
  assert.deepEqual(wallClock("Pacific/Kiritimati", now), { day: "2026-03-31", hour: "08" });
  assert.deepEqual(wallClock("America/St_Johns", now), { day: "2026-03-30", hour: "16" });
});
