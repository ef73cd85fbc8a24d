// Getting events there: retries with the same ids, backoff, limits, and the last moment.
import test from "node:test";
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";

const hour = 60 * 60 * 1000;

for (const status of [500, 503, 429]) {
  test(`an answer of ${status} is tried again with the same event id`, async () => {
    const b = new Browser();
    await b.pass(0);
    await b.requests[0].answer(status);
    await b.pass(1000);
    assert.equal(b.requests.length, 2);
    assert.deepEqual(b.requests[1].events, b.requests[0].events);
    const sent = (r) => +new URL(r.url).searchParams.get("sent");
    assert.ok(sent(b.requests[1]) > sent(b.requests[0]), "the sent time is that of the retry");
    assert.ok(sent(b.requests[0]) >= b.requests[0].events[0].time);
  });
}

test("a failed network is tried again, later each time, up to five minutes", async () => {
  const b = new Browser();
  const times = [];
  await b.pass(0);
  for (let i = 0; i < 14; i++) {
    times.push(b.now);
    const n = b.requests.length;
    await b.requests[n - 1].fail();
    for (let waited = 0; b.requests.length === n && waited < hour; waited += 500) await b.pass(500);
    assert.equal(b.requests.length, n + 1);
  }
  const gaps = times.slice(1).map((t, i) => t - times[i]);
  assert.ok(gaps[0] <= 1000, `first retry after ${gaps[0]} ms`);
  assert.ok(gaps[6] > gaps[0]);
  assert.ok(Math.max(...gaps) <= 300_500);
  assert.equal(new Set(b.requests.map((r) => r.events[0].event_id)).size, 1);
});

test("Retry-After is respected", async () => {
  const b = new Browser();
  await b.pass(0);
  await b.requests[0].answer(503, { "Retry-After": "60" });
  await b.pass(59_000);
  assert.equal(b.requests.length, 1);
  await b.pass(2000);
  assert.equal(b.requests.length, 2);
});

test("a server that never answers is given up and tried again", async () => {
  const b = new Browser();
  await b.pass(0);
  await b.pass(40_000);
  assert.equal(b.requests.length, 2);
  assert.deepEqual(b.requests[1].events, b.requests[0].events);
});

test("an answer of 400 is final", async () => {
  const b = new Browser();
  await b.pass(0);
  await b.requests[0].answer(400);
  await b.pass(hour);
  assert.ok(b.requests.slice(1).every((r) => r.events[0].name === "user_engagement"));
});

test("what happens during a failure goes with the retry, in order", async () => {
  const b = new Browser();
  await b.pass(0);
  b.window.tidemark("event", "a");
  await b.requests[0].fail();
  b.window.tidemark("event", "b");
  await b.pass(1000);
  assert.equal(b.requests.length, 2);
  assert.deepEqual(b.requests[1].events.map((e) => e.name), ["page_view", "a", "b"]);
});

test("while a request is under way, what comes goes together in the next", async () => {
  const b = new Browser();
  await b.pass(0);
  b.window.tidemark("event", "a");
  await b.pass(0);
  b.window.tidemark("event", "b");
  await b.pass(0);
  assert.equal(b.requests.length, 1);
  await b.accept();
  assert.deepEqual(b.requests[1].events.map((e) => e.name), ["a", "b"]);
});

test("an event is given up after 24 hours", async () => {
  const b = new Browser();
  b.document.focused = false; // No engagement of its own in this test.
  b.window.dispatch("blur");
  await b.pass(0);
  await b.requests[0].fail();
  for (let i = 0; i < 24 * 60; i++) {
    await b.pass(60_000);
    const last = b.requests[b.requests.length - 1];
    if (!last.failed) {
      last.failed = true;
      await last.fail();
    }
  }
  const before = b.requests.length;
  assert.ok(before > 200);
  await b.pass(2 * hour);
  assert.equal(b.requests.length, before);
});

test("memory is bounded while the server is away", async () => {
  const b = new Browser();
  for (let i = 0; i < 2000; i++) b.window.tidemark("event", "e" + i);
  for (let i = 0; i < 60; i++) await b.accept();
  assert.equal(b.sent.length, 500);
  assert.equal(b.sent[0].name, "page_view");
});

test("a request never exceeds what a browser lets a keepalive fetch carry", async () => {
  const b = new Browser();
  for (let i = 0; i < 60; i++) b.window.tidemark("event", "e", { text: "x".repeat(3000) });
  for (let i = 0; i < 60; i++) await b.accept();
  assert.equal(b.sent.length, 61);
  for (const r of b.requests) assert.ok(Buffer.byteLength(r.body) < 64 * 1024);
});

test("leaving hands what is queued to a beacon", async () => {
  const b = new Browser();
  await b.accept();
  await b.pass(100);
  b.window.tidemark("event", "last");
  b.window.dispatch("pagehide");
  assert.equal(b.requests.length, 1);
  assert.deepEqual(b.beacons.flatMap((r) => r.events.map((e) => e.name)), [
    "last",
    "user_engagement",
  ]);
  assert.equal(typeof b.beacons[0].body, "string", "a string is text/plain: no preflight");
});

test("leaving hands over what waits for a retry, with the same event id", async () => {
  const b = new Browser();
  await b.pass(0);
  await b.requests[0].fail();
  b.window.dispatch("pagehide");
  assert.equal(b.beacons[0].events[0].event_id, b.requests[0].events[0].event_id);
});

test("a request that breaks off while leaving is not sent twice, for the browser carries it on", async () => {
  const b = new Browser();
  await b.pass(0);
  b.window.dispatch("pagehide");
  await b.requests[0].fail();
  b.show("hidden");
  b.window.tidemark("event", "unload");
  await b.pass(hour);
  assert.equal(b.requests.length, 1);
  assert.deepEqual(b.beacons.flatMap((r) => r.events.map((e) => e.name)), ["unload"]);
});

test("a request that broke off while leaving is sent again if the page comes back", async () => {
  const b = new Browser();
  await b.pass(0);
  b.window.dispatch("pagehide");
  await b.requests[0].fail();
  b.window.dispatch("pageshow", { persisted: true });
  await b.pass(0);
  assert.equal(b.requests.length, 2);
  assert.deepEqual(b.requests[1].events[0], b.requests[0].events[0]);
  assert.equal(b.requests[1].events.length, 2);
});

test("an event made after pagehide still leaves", async () => {
  const b = new Browser();
  await b.accept();
  b.window.dispatch("pagehide");
  b.window.tidemark("event", "unload");
  assert.equal(b.beacons.at(-1).events[0].name, "unload");
});

for (const [what, options] of [
  ["refuses", { beaconAccepts: false }],
  ["is missing", { beaconMissing: true }],
]) {
  test(`when the beacon ${what}, a keepalive fetch takes its place`, async () => {
    const b = new Browser(options);
    await b.accept();
    b.window.tidemark("event", "last");
    b.window.dispatch("pagehide");
    assert.equal(b.requests.at(-1).events[0].name, "last");
    assert.equal(b.requests.at(-1).keepalive, true);
  });
}

test("a hidden page sends at once, by fetch, for it may live on", async () => {
  const b = new Browser();
  await b.accept();
  await b.pass(100);
  b.show("hidden");
  assert.equal(b.beacons.length, 0);
  assert.equal(b.requests.at(-1).events[0].name, "user_engagement");
});
