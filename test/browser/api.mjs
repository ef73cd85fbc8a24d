// The report API as a script uses it: with the read key, and patience until numbers are there.
import assert from "node:assert/strict";
import { property, readKey, url } from "./settings.mjs";

async function request(method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${readKey}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${method} ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

const names = (list) => list.map((name) => ({ name }));

function flatten(report) {
  const rows = {};
  for (const row of report.rows ?? []) {
    const key = (row.dimensionValues ?? []).map((v) => v.value).join(" | ");
    rows[key] = row.metricValues.map((v) => Number(v.value)).join(" ");
  }
  return rows;
}

/** Rows of today as {"dimension | dimension": "metric metric"}. */
export async function today(dimensions, metrics, more = {}) {
  return flatten(
    await request("POST", `/v1beta/properties/${property}:runReport`, {
      dimensions: names(dimensions),
      metrics: names(metrics),
      dateRanges: [{ startDate: "today", endDate: "today" }],
      ...more,
    }),
  );
}

export async function realtime(dimensions, metrics) {
  return flatten(
    await request("POST", `/v1beta/properties/${property}:runRealtimeReport`, {
      dimensions: names(dimensions),
      metrics: names(metrics),
    }),
  );
}

export function ledger() {
  return request("GET", `/v1/properties/${property}/ledger`);
}

const DEADLINE_MS = 30_000;
const PAUSE_MS = 100;

/** Asks until the answer is the wanted one; after the deadline the difference is the error. */
export async function eventually(ask, want) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const got = await ask();
    try {
      assert.deepEqual(got, want);
      return;
    } catch (difference) {
      if (Date.now() > deadline) throw difference;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
