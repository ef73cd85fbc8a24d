// Custom events through window.tidemark, before and after the script is there.
import test from "node:test";
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";

test("a custom event carries its parameters", async () => {
  const b = new Browser();
  b.window.tidemark("event", "purchase", { value: 12.5, currency: "EUR", gift: true });
  await b.accept();
  const event = b.sent[1];
  assert.equal(event.name, "purchase");
  assert.deepEqual(event.params, { value: 12.5, currency: "EUR", gift: true });
});

test("parameters are taken when the event is made, and deep ones become JSON", async () => {
  const b = new Browser();
  const params = { items: [{ item_id: "a", quantity: 2 }], step: 1 };
  b.window.tidemark("event", "view_cart", params);
  params.step = 2;
  await b.accept();
  assert.deepEqual(b.sent[1].params, { items: '[{"item_id":"a","quantity":2}]', step: 1 });
});

test("commands from before the load come after the page view they belong to", async () => {
  const b = new Browser({
    before: `
      window.tidemark = function () { (tidemark.q = tidemark.q || []).push(arguments) };
      tidemark("event", "early", { n: 1 });
    `,
  });
  await b.accept();
  assert.deepEqual(b.names, ["page_view", "early"]);
  assert.deepEqual(b.sent[1].params, { n: 1 });
});

test("events of one moment go in one request", async () => {
  const b = new Browser();
  b.window.tidemark("event", "a");
  b.window.tidemark("event", "b");
  await b.accept();
  assert.equal(b.requests.length, 1);
  assert.deepEqual(b.requests[0].events.map((e) => e.name), ["page_view", "a", "b"]);
});

test("an unknown command is no event", async () => {
  const b = new Browser();
  b.window.tidemark("config", "x");
  b.window.tidemark("event");
  await b.accept();
  assert.deepEqual(b.names, ["page_view"]);
});

test("an event of a hidden page is marked not engaged: the server then does not count its user as active (S11)", async () => {
  const b = new Browser();
  b.show("hidden");
  b.window.tidemark("event", "background");
  await b.accept();
  assert.equal(b.sent.find((e) => e.name === "background").engaged, false);
});
