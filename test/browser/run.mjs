// The main job, end to end: a real browser browses the demo shop, and the report API and the
// dashboard show exactly what was done. See README.md for how to run it by hand.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { eventually, ledger, realtime, today } from "./api.mjs";
import { launch, openPage, shoot } from "./browser.mjs";
import { DashboardPage } from "./dashboard.mjs";
import * as expected from "./expected.mjs";
import { email, password, property } from "./settings.mjs";
import { botVisit, closeBrowsers, visitorA, visitorB } from "./visitors.mjs";

const totals = Object.keys(expected.totals);
const text = (numbers) => Object.fromEntries(Object.entries(numbers).map(([k, v]) => [k, String(v)]));
const dashboardPath = `/?property=${property}&range=today`;

let browser;
let order;

before(async () => {
  assert.deepEqual(await today([], ["eventCount"]), {}, "the property must be fresh");
  order = await visitorA();
  await visitorB();
  await botVisit();
  browser = await launch();
});

after(async () => {
  await closeBrowsers();
  await browser?.close();
});

test("D4: every event of the visits reaches the reports, and the bot none of them", async () => {
  await eventually(() => today([], totals), { "": Object.values(expected.totals).join(" ") });
  await eventually(() => today(["eventName"], ["eventCount"]), text(expected.events));
});

test("D2, D6: the ledger accounts for every event, the bot's and the one that came twice", async () => {
  const facts = async () => {
    const all = await ledger();
    return Object.fromEntries(Object.keys(expected.ledger).map((key) => [key, all[key]]));
  };
  await eventually(facts, expected.ledger);
});

test("page views count by path, the SPA route among them", async () => {
  const viewed = { filter: { fieldName: "eventName", stringFilter: { matchType: "EXACT", value: "page_view" } } };
  const got = await today(["pagePath"], ["screenPageViews"], { dimensionFilter: viewed });
  assert.deepEqual(got, text(expected.views));
});

test("S14, S17: each session has its landing page, source and channel", async () => {
  assert.deepEqual(await today(["landingPage"], ["sessions"]), { "/demo/": "2" });
  assert.deepEqual(await today(["sessionDefaultChannelGroup"], ["sessions"]), { Direct: "1", Email: "1" });
  const source = ["sessionSource", "sessionMedium", "sessionCampaignName"];
  assert.deepEqual(await today(source, ["sessions", "screenPageViews"]), {
    "(direct) | (none) | (direct)": "1 8",
    "newsletter | email | autumn": "1 2",
  });
});

test("devices and systems are told apart", async () => {
  assert.deepEqual(await today(["deviceCategory"], ["activeUsers", "sessions"]), {
    desktop: "1 1",
    mobile: "1 1",
  });
  assert.deepEqual(await today(["operatingSystem"], ["activeUsers"]), { Linux: "1", iOS: "1" });
  assert.deepEqual(await today(["newVsReturning"], ["activeUsers"]), { new: "2" });
});

test("the purchase arrives with its order number and value", async () => {
  const purchase = { filter: { fieldName: "eventName", stringFilter: { matchType: "EXACT", value: "purchase" } } };
  const got = await today(["customEvent:transaction_id"], ["eventCount", "eventValue"], {
    dimensionFilter: purchase,
  });
  assert.deepEqual(got, { [order]: "1 54" });
});

test("S34: the realtime report shows the same visits", async () => {
  assert.deepEqual(await realtime([], ["activeUsers", "eventCount"]), { "": "2 24" });
});

test("the dashboard shows the same numbers to a member who logs in", async (t) => {
  const options = { viewport: { width: 1440, height: 900 }, colorScheme: "light" };
  // Asking who is logged in, before anybody is, answers 401; the browser notes that by itself.
  const { page, context, complaints } = await openPage(browser, options, ["status of 401"]);
  const dashboard = new DashboardPage(page);
  t.after(() => context.close());
  await dashboard.logIn(email, password, dashboardPath);

  await t.test("key figures", async () => {
    const figures = await dashboard.figures();
    delete figures.averageSessionDuration; // A real clock's; the API test does not know it either.
    assert.deepEqual(figures, { ...text(expected.totals), engagementRate: "100%" });
  });

  await t.test("panels", async () => {
    assert.deepEqual(await dashboard.rows("pagePath"), text(expected.views));
    assert.deepEqual(await dashboard.rows("eventName"), text(expected.events));
    assert.deepEqual(await dashboard.rows("sessionDefaultChannelGroup"), { Direct: "1", Email: "1" });
    assert.deepEqual(await dashboard.rows("deviceCategory"), { desktop: "1", mobile: "1" });
    assert.deepEqual(await dashboard.rows("newVsReturning"), { new: "2" });
    await dashboard.tab("Acquisition", "Campaign");
    await eventually(() => dashboard.rows("sessionCampaignName"), { "(direct)": "1", autumn: "1" });
    await dashboard.tab("Technology", "System");
    await eventually(() => dashboard.rows("operatingSystem"), { Linux: "1", iOS: "1" });
  });

  await t.test("users of the last 30 minutes", async () => {
    await eventually(() => dashboard.realtimeUsers(), "2");
  });
  await shoot(page, "dashboard");

  await t.test("a row filters everything, and the address keeps it", async () => {
    await page.getByRole("button", { name: "autumn" }).click();
    const filtered = async () => {
      const { sessions, screenPageViews } = await dashboard.figures();
      return { sessions, screenPageViews };
    };
    await eventually(filtered, { sessions: "1", screenPageViews: "2" });
    await page.reload();
    await eventually(filtered, { sessions: "1", screenPageViews: "2" });
    await shoot(page, "dashboard-filtered");
    await page.getByRole("button", { name: /^Remove the filter/ }).click();
    await eventually(filtered, { sessions: "2", screenPageViews: "10" });
  });

  await t.test("narrow and dark", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await shoot(page, "dashboard-dark");
    await page.setViewportSize({ width: 375, height: 800 });
    await shoot(page, "dashboard-narrow");
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.equal(overflow, 0, "the page is wider than the screen");
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
  });

  await t.test("the ledger page balances", async () => {
    await page.getByRole("link", { name: "Ledger" }).click();
    const shown = (name) => page.locator(`[data-ledger="${name}"]`).innerText();
    await page.getByText("The ledger balances.").waitFor();
    assert.equal(await shown("received"), String(expected.ledger.received));
    assert.equal(await shown("Stored"), String(expected.ledger.stored));
    assert.equal(await shown("Duplicate"), String(expected.ledger.duplicate));
    await shoot(page, "ledger");
  });

  await t.test("after logging out the numbers are gone", async () => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.waitForURL("**/login");
    await page.goBack();
    await page.waitForURL("**/login*");
  });

  assert.deepEqual(complaints, []);
});
