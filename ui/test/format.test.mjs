// Numbers as people read them.
import test from "node:test";
import assert from "node:assert/strict";
import { formatChange, formatDuration, formatValue, formatMoment } from "../node_modules/.test/parts.js";

test("durations are rounded to seconds, then spoken in two units", () => {
  assert.equal(formatDuration(0), "0 s");
  assert.equal(formatDuration(59.6), "1 m 00 s");
  assert.equal(formatDuration(125), "2 m 05 s");
  assert.equal(formatDuration(3 * 3600 + 65), "3 h 01 m");
});

test("a count changes in percent, a rate in percentage points, and zero has no change", () => {
  assert.equal(formatChange("count", 150, 100), "+50%");
  assert.equal(formatChange("count", 0, 100), "-100%");
  assert.equal(formatChange("count", 100, 100), "0%");
  assert.equal(formatChange("count", 5, 0), null);
  assert.equal(formatChange("rate", 0.5, 0.475), "+2.5 pp");
});

test("a rate is a percentage", () => {
  assert.equal(formatValue("rate", 0.6394), "63.9%");
});

test("a moment is told in the property's zone, with its day when that is another", () => {
  const now = new Date("2026-03-30T20:00:00Z");
  assert.match(formatMoment("2026-03-30T19:59:58Z", "Asia/Kolkata", now), /^1:29:58/);
  assert.match(formatMoment("2026-03-27T20:00:00Z", "UTC", now), /Mar 27, 2026/);
});
