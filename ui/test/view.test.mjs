// The address carries the view, and any address makes some view.
import test from "node:test";
import assert from "node:assert/strict";
import { formatView, parseView } from "../node_modules/.test/parts.js";

const plain = {
  property: null, range: "7d", from: null, to: null, compare: true, metric: "activeUsers", filters: [],
};

test("the plain view needs no address", () => {
  assert.deepEqual(parseView(""), plain);
  assert.equal(formatView(plain), "");
});

test("a view comes back from its address as it was", () => {
  const view = {
    property: "1001", range: "custom", from: "2026-01-01", to: "2026-01-31", compare: false, metric: "sessions",
    filters: [
      { dimension: "pagePath", value: "/a:b?c=d&e=ø %" },
      { dimension: "sessionSource", value: "(direct)" },
    ],
  };
  assert.deepEqual(parseView(formatView(view)), view);
});

test("nonsense in an address is left out", () => {
  assert.deepEqual(parseView("?range=forever&filter=nothing&filter=:x&x=y"), plain);
});
