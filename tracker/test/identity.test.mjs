// Identity: none by default, a stored one only when the site asked for it.
import test from "node:test";
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";

test("by default no id is sent and no storage is touched", async () => {
  const b = new Browser();
  b.window.tidemark("event", "a");
  b.window.dispatch("pagehide");
  await b.accept();
  for (const event of b.sent) {
    assert.equal(event.client_id, undefined);
    assert.equal(event.session_id, undefined);
  }
  assert.equal(b.storageUsed, 0);
});

test("data-client=storage keeps the client, and marks its first event only", async () => {
  const b = new Browser({ data: { client: "storage" } });
  b.window.tidemark("event", "a");
  await b.accept();
  const [first, second] = b.sent;
  assert.match(first.client_id, /^[0-9a-f]{32}$/);
  assert.equal(first.first_visit, true);
  assert.equal(second.client_id, first.client_id);
  assert.equal(second.session_id, first.session_id);
  assert.equal(second.first_visit, undefined);
});

test("the stored session ends after 30 minutes without an event", async () => {
  const b = new Browser({ data: { client: "storage" } });
  b.now += 30 * 60 * 1000 - 1;
  b.window.tidemark("event", "a");
  b.now += 30 * 60 * 1000;
  b.window.tidemark("event", "b");
  await b.accept();
  const [view, a, c] = b.sent;
  assert.equal(a.session_id, view.session_id);
  assert.notEqual(c.session_id, view.session_id);
  assert.equal(c.client_id, view.client_id);
});

test("storage that throws leaves a visitor who is counted without it", async () => {
  const b = new Browser({ data: { client: "storage" }, storageThrows: true });
  await b.accept();
  assert.deepEqual(b.names, ["page_view"]);
  assert.equal(b.sent[0].client_id, undefined);
});
