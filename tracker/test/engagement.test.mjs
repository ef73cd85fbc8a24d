// Engagement time: visible and focused, reported when the page is left.
import test from "node:test";
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";

const engaged = (b) =>
  b.sent.filter((e) => e.name === "user_engagement").map((e) => e.engagement_ms);

test("time counts only while the page is visible and focused", async () => {
  const b = new Browser();
  await b.accept();
  await b.pass(1000); // Counts.
  b.focus(false);
  await b.pass(5000); // In view, but the person is in another window.
  b.focus(true);
  await b.pass(200); // Counts.
  b.show("hidden");
  await b.pass(7000); // Not in view.
  b.show("visible");
  await b.pass(30); // Counts.
  b.window.dispatch("pagehide");
  await b.accept();
  assert.deepEqual(engaged(b), [1200, 30]);
});

test("a blur into a frame of the page keeps counting", async () => {
  const b = new Browser();
  await b.pass(1000);
  b.window.dispatch("blur"); // The document still says that it has the focus.
  await b.pass(500);
  b.show("hidden");
  await b.accept();
  assert.deepEqual(engaged(b), [1500]);
});

test("a navigation reports the time of the page before it, under its address", async () => {
  const b = new Browser();
  await b.pass(700);
  b.window.history.pushState({}, "", "/next");
  await b.accept();
  assert.deepEqual(b.names, ["page_view", "user_engagement", "page_view"]);
  assert.equal(b.sent[1].url, "https://shop.example/");
  assert.equal(b.sent[1].engagement_ms, 700);
});

test("leaving reports the time once, though hidden follows pagehide", async () => {
  const b = new Browser();
  await b.pass(900);
  b.window.dispatch("pagehide");
  b.now += 3;
  b.show("hidden");
  await b.accept();
  assert.deepEqual(engaged(b), [900]);
});

test("a page that was never in view reports no time", async () => {
  const b = new Browser();
  b.show("hidden");
  await b.pass(4000);
  b.window.dispatch("pagehide");
  await b.accept();
  assert.deepEqual(engaged(b), []);
});

test("a long read is reported before the session could time out", async () => {
  const b = new Browser();
  await b.accept();
  await b.pass(25 * 60 * 1000);
  for (const r of b.requests) assert.ok(r.events.length);
  assert.equal(b.requests[1].events[0].engagement_ms, 10 * 60 * 1000);
});
