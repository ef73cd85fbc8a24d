// The real browser, quiet and offline but for the server under test.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumPath, shots, url } from "./settings.mjs";

/**
 * Starts a browser of its own for each user agent: the one that a page pretends to have is lost on
 * beacons, which a real browser of that name would send under it.
 */
export function launch(userAgent) {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...(userAgent ? [`--user-agent=${userAgent}`] : []),
    ],
  });
}

/**
 * Opens a page that notes what it should not do: complain, or ask another host.
 * Nothing but the noted answers may be an error, such as the 401 before a login.
 */
export async function openPage(browser, options = {}, expectedErrors = []) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => {
    const expected = expectedErrors.some((text) => m.text().includes(text));
    if (m.type() === "error" && !expected) complaints.push(m.text());
  });
  page.on("pageerror", (e) => complaints.push(e.message));
  page.on("request", (r) => {
    const other = !r.url().startsWith(url + "/") && !/^(about|data|blob):/.test(r.url());
    if (other) complaints.push("asked another host: " + r.url());
  });
  return { context, page, complaints };
}

export async function shoot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, name + ".png"), fullPage: true });
}
