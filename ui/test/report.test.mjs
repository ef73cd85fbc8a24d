// Reports: requests and answers of the API, and the time series made of them.
import test from "node:test";
import assert from "node:assert/strict";
import { chunks, filterExpression, layOut, parseTable, panels, tiles, totals } from "../node_modules/.test/parts.js";

test("values are strings on the wire and numbers here; what is left out is zero or empty", () => {
  const table = parseTable({
    rows: [{ dimensionValues: [{ value: "/" }, {}], metricValues: [{ value: "12" }, { value: "0.25" }, {}] }],
    rowCount: 40,
  });
  assert.deepEqual(table, { rows: [{ dims: ["/", ""], values: [12, 0.25, 0] }], rowCount: 40 });
  assert.deepEqual(parseTable({}), { rows: [], rowCount: 0 });
});

test("filters must all hold and mean their value exactly", () => {
  const one = { filter: { fieldName: "pagePath", stringFilter: { matchType: "EXACT", value: "/A", caseSensitive: true } } };
  assert.equal(filterExpression([]), undefined);
  assert.deepEqual(filterExpression([{ dimension: "pagePath", value: "/A" }]), one);
  const two = filterExpression([{ dimension: "pagePath", value: "/A" }, { dimension: "city", value: "Bergen" }]);
  assert.equal(two.andGroup.expressions.length, 2);
  assert.deepEqual(two.andGroup.expressions[0], one);
});

test("no report asks for more than the API allows", () => {
  assert.ok(totals.length <= 10);
  assert.deepEqual(chunks([1, 2, 3, 4, 5, 6, 7], 5), [[1, 2, 3, 4, 5], [6, 7]]);
  assert.equal(tiles.length, 8);
  for (const tab of panels.flatMap((p) => p.tabs)) {
    for (const name of tab.metrics) assert.ok(totals.some((m) => m.name === name), name);
  }
});

const row = (key, value, range) => ({ dims: range ? [key, range] : [key], values: [value] });

test("a missing bucket is zero for a count, and no number for a rate", () => {
  const input = {
    rows: [row("20260302", 5)], column: 0, kind: "count",
    days: { start: "2026-03-01", end: "2026-03-03" }, before: null, now: { day: "2026-03-09", hour: "10" },
  };
  assert.deepEqual(layOut(input).map((p) => p.value), [0, 5, 0]);
  assert.deepEqual(layOut({ ...input, kind: "rate" }).map((p) => p.value), [null, 5, null]);
});

test("buckets that have not begun are not drawn", () => {
  const points = layOut({
    rows: [], column: 0, kind: "count", days: { start: "2026-03-09", end: "2026-03-09" },
    before: null, now: { day: "2026-03-09", hour: "02" },
  });
  assert.deepEqual(points.slice(0, 4).map((p) => p.value), [0, 0, 0, null]);
});

test("the days before lie behind the current ones, bucket by bucket", () => {
  const points = layOut({
    rows: [row("20260303", 7, "current"), row("20260301", 4, "previous")], column: 0, kind: "count",
    days: { start: "2026-03-03", end: "2026-03-04" }, before: { start: "2026-03-01", end: "2026-03-02" },
    now: { day: "2026-03-09", hour: "10" },
  });
  assert.deepEqual(points.map((p) => [p.key, p.value, p.beforeKey, p.before]), [
    ["20260303", 7, "20260301", 4],
    ["20260304", 0, "20260302", 0],
  ]);
});
