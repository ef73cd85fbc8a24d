// The visitors and what they do. A and B come from the same address: only their user agents tell
// them apart, as the server's cookieless identity does.
import assert from "node:assert/strict";
import { launch, openPage, shoot } from "./browser.mjs";
import { url } from "./settings.mjs";

const DESKTOP =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) " +
  "Chrome/141.0.0.0 Safari/537.36";
const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 " +
  "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

// Browsers stay open after their visit: closing one at once could cut off its last beacon.
const browsers = [];

export async function closeBrowsers() {
  await Promise.all(browsers.map((browser) => browser.close()));
}

async function arrive(userAgent, options, expectedErrors) {
  const browser = await launch(userAgent);
  browsers.push(browser);
  return openPage(browser, options, expectedErrors);
}

/**
 * Lets the next request of the tracker reach the server and loses the answer on the way back: the
 * tracker cannot know, so it sends the same events again. Returns when it has.
 */
async function loseOneAnswer(page, act) {
  const lose = async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  };
  await page.route("**/v1/events?*", lose, { times: 1 });
  const again = page.waitForResponse((r) => r.url().includes("/v1/events?"));
  await act();
  assert.equal((await again).status(), 200);
}

/** Leaves for an empty page, as a visitor who types another address: pagehide runs. */
async function leave(visit) {
  await visit.page.goto("about:blank");
  assert.deepEqual(visit.complaints, []);
}

async function follow(page, link, path) {
  await link.click();
  await page.waitForURL(url + path);
}

/** A looks around on a desktop, turns a chapter of the guide without a load, and buys a lantern. */
export async function visitorA() {
  const visit = await arrive(DESKTOP, { viewport: { width: 1280, height: 900 } }, ["net::ERR_CONNECTION_RESET"]);
  const { page, context } = visit;
  const link = (name) => page.getByRole("link", { name, exact: true }).first();

  await loseOneAnswer(page, () => page.goto(url + "/demo/"));
  await shoot(page, "shop");
  await follow(page, link("Shore"), "/demo/c/shore");
  await follow(page, page.getByRole("link", { name: /^Storm lantern/ }), "/demo/p/storm-lantern");
  await page.getByRole("button", { name: "Add to cart" }).click();
  await page.getByText("In your cart.").waitFor();
  await follow(page, link("Sizes and care"), "/demo/guide/sizes");

  await page.evaluate(() => (window.samePage = true));
  await follow(page, link("Wool"), "/demo/guide/wool");
  assert.equal(await page.evaluate(() => window.samePage), true, "the chapter came without a load");

  await follow(page, page.getByRole("link", { name: /^Cart/ }), "/demo/cart");
  await follow(page, link("Check out"), "/demo/checkout");
  await page.getByRole("button", { name: "Place the order" }).click();
  await page.waitForURL(url + "/demo/thanks*");
  const text = await page.getByText(/^Order SM-/).innerText();
  const order = /SM-[0-9A-Z]+/.exec(text)[0];

  assert.deepEqual(await context.cookies(), [], "the tracker set no cookie");
  const stored = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  assert.deepEqual(stored, ["saltmarsh-cart"], "only the shop itself stored something");
  await leave(visit);
  return order;
}

/** B comes on a phone from the autumn newsletter, reads one article and goes. */
export async function visitorB() {
  const visit = await arrive(PHONE, {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  });
  const { page } = visit;
  await page.goto(url + "/demo/?utm_source=newsletter&utm_medium=email&utm_campaign=autumn");
  await shoot(page, "shop-phone");
  await page.getByRole("link", { name: "Reading the tide" }).first().tap();
  await page.waitForURL(url + "/demo/journal/reading-the-tide");
  await leave(visit);
}

/** A crawler that runs scripts; it must be in no report. */
export async function botVisit() {
  const visit = await arrive(BOT, {});
  await visit.page.goto(url + "/demo/");
  await visit.page.goto(url + "/demo/c/wear");
  await leave(visit);
}
