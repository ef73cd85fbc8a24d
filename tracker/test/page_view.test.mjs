// What counts as a page view, and what an event says about its page.
import test from "node:test";
import assert from "node:assert/strict";
import { Browser } from "./browser.mjs";

test("a load sends one page_view with the facts of the page", async () => {
  const b = new Browser({
    url: "https://shop.example/hats?color=red",
    referrer: "https://search.example/",
  });
  await b.accept();
  assert.equal(b.requests.length, 1);
  const [request] = b.requests;
  const [view] = request.events;
  assert.equal(
    request.url,
    `https://stats.example/v1/events?measurement_id=G-TEST&sent=${b.now}`,
  );
  assert.equal(request.method, "POST");
  assert.equal(request.keepalive, true);
  assert.equal(request.credentials, "omit");
  assert.match(view.event_id, /^[0-9a-f]{32}$/);
  delete view.event_id;
  assert.deepEqual(view, {
    name: "page_view",
    time: b.now,
    url: "https://shop.example/hats?color=red",
    referrer: "https://search.example/",
    title: "Home",
    language: "en-GB",
    screen: "1440x900",
    engaged: true,
  });
});

test("data-endpoint replaces the default address", async () => {
  const b = new Browser({ data: { endpoint: "https://shop.example/e" } });
  await b.accept();
  assert.ok(b.requests[0].url.startsWith("https://shop.example/e?measurement_id=G-TEST&sent="));
});

test("without a measurement id nothing happens", async () => {
  const b = new Browser({ data: { measurementId: "" } });
  await b.accept();
  assert.deepEqual(b.names, []);
});

test("pushState, replaceState and popstate are views when the path or query changes", async () => {
  const b = new Browser();
  const { history } = b.window;
  b.now += 100;
  history.pushState({}, "", "/a");
  b.now += 100;
  history.replaceState({}, "", "/a?size=2");
  b.now += 100;
  b.location.href = "https://shop.example/a";
  b.window.dispatch("popstate");
  await b.accept();
  const views = b.sent.filter((e) => e.name === "page_view");
  assert.deepEqual(views.map((e) => e.url), [
    "https://shop.example/",
    "https://shop.example/a",
    "https://shop.example/a?size=2",
    "https://shop.example/a",
  ]);
  assert.deepEqual(views.map((e) => e.referrer), [
    "",
    "https://shop.example/",
    "https://shop.example/a",
    "https://shop.example/a?size=2",
  ]);
});

test("a new fragment or only new state is no view", async () => {
  const b = new Browser();
  b.window.history.pushState({ open: true }, "", undefined);
  b.window.history.replaceState({}, "", "/#sizes");
  b.location.hash = "#other";
  b.window.dispatch("popstate");
  await b.accept();
  assert.deepEqual(b.names, ["page_view"]);
});

test("the title of a view is the one set right after the navigation", async () => {
  const b = new Browser();
  await b.accept();
  b.window.history.pushState({}, "", "/a");
  b.document.title = "A";
  await b.accept();
  const views = b.sent.filter((e) => e.name === "page_view");
  assert.deepEqual(views.map((e) => e.title), ["Home", "A"]);
});

test("events still waiting when the page changes keep the title of their page", async () => {
  const b = new Browser();
  b.window.history.pushState({}, "", "/a");
  b.document.title = "A";
  await b.accept();
  assert.deepEqual(b.sent.map((e) => e.title), ["Home", "A"]);
});

test("a prerendered page is counted only when it is shown", async () => {
  const b = new Browser({ prerendering: true });
  await b.accept();
  assert.deepEqual(b.names, []);
  b.document.prerendering = false;
  b.document.dispatch("prerenderingchange");
  await b.accept();
  assert.deepEqual(b.names, ["page_view"]);
});

test("a page restored from the back/forward cache is viewed again", async () => {
  const b = new Browser();
  await b.accept();
  b.window.dispatch("pagehide");
  b.window.dispatch("pageshow", { persisted: true });
  await b.accept();
  assert.deepEqual(b.names, ["page_view", "page_view"]);
});

test("a script that is loaded twice counts once", async () => {
  const b = new Browser({ before: "window.tidemark = () => {}; window.tidemark.started = true" });
  await b.accept();
  assert.deepEqual(b.names, []);
});
