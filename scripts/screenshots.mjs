// Opens the dashboard of a running demo, waits until numbers are on it, and takes pictures.
// Arguments: the file that the demo prints its facts to, and the folder for the pictures.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const require = createRequire(new URL("../test/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const [factsFile, out] = process.argv.slice(2);

async function until(what, seconds, look) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause(200)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what} did not come within ${seconds} s`);
}

const facts = await until("the demo's address", 60, () => {
  const text = existsSync(factsFile) ? readFileSync(factsFile, "utf8") : "";
  return text.endsWith("\n") && JSON.parse(text);
});
const { property, readKey } = facts.shop;

// The history of the demo is being sent: wait until it stops growing quickly.
let last = 0;
await until("the demo's history", 180, async () => {
  const answer = await fetch(`${facts.url}/v1beta/properties/${property}:runReport`, {
    method: "POST",
    headers: { Authorization: `Bearer ${readKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      metrics: [{ name: "eventCount" }],
      dateRanges: [{ startDate: "7daysAgo", endDate: "today" }],
    }),
  });
  if (!answer.ok) return false;
  const now = Number((await answer.json()).rows?.[0]?.metricValues[0].value ?? 0);
  const settled = now > 500 && now - last < 50;
  last = now;
  if (!settled) await pause(1500);
  return settled;
});

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
});
try {
  mkdirSync(out, { recursive: true });
  for (const [name, colorScheme, width] of [
    ["dashboard.png", "light", 1440],
    ["dashboard-dark.png", "dark", 1440],
    ["dashboard-narrow.png", "light", 375],
  ]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
    const page = await context.newPage();
    const login = await context.request.post(`${facts.url}/v1/login`, {
      data: { email: facts.email, password: facts.password },
      headers: { Origin: facts.url },
    });
    if (!login.ok()) throw new Error(`login: ${login.status()} ${await login.text()}`);
    await page.goto(`${facts.url}/`, { waitUntil: "load" });
    await page.getByText("Saltmarsh Supply").first().waitFor({ state: "attached" });
    await pause(2500); // the panels come one after another; a picture too early shows them empty
    await page.screenshot({ path: join(out, name), fullPage: width < 600 });
    console.log(join(out, name));
    await context.close();
  }
} finally {
  await browser.close();
}
