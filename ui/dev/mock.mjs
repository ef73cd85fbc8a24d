// A made-up server for working on the look of the dashboard (`npm run dev`). It is not part of any
// build and no test relies on it: its numbers are invented.
const DAY = 86_400_000;

const property = {
  property: "1001", name: "Saltmarsh Supply", timeZone: "Europe/Copenhagen", currency: "EUR",
  measurementIds: ["G-DEMO0001"],
};
const empty = { ...property, property: "1002", name: "Empty", measurementIds: ["G-DEMO0002"] };

function random(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

const pick = (r, list) => list[Math.min(list.length - 1, Math.floor(r() ** 2 * list.length))];

const paths = ["/", "/c/wear", "/p/deck-boots", "/p/watch-cap", "/cart", "/checkout", "/journal/reading-the-tide",
  "/p/a-product-with-a-name-that-is-much-longer-than-its-column", "/c/galley", "/guide/wool", "/guide/wax", "/thanks"];
const sources = [["Organic Search", "google", "organic", "(organic)"], ["Direct", "(direct)", "(none)", "(direct)"],
  ["Referral", "news.example", "referral", "(referral)"], ["Email", "newsletter", "email", "autumn"],
  ["Organic Social", "mastodon.example", "referral", "(referral)"]];
const places = [["Denmark", "Copenhagen"], ["Germany", "Hamburg"], ["Netherlands", "Rotterdam"],
  ["United Kingdom", "Bristol"], ["Norway", "Bergen"], ["Portugal", "(not set)"]];
const devices = [["mobile", "Chrome", "Android"], ["desktop", "Firefox", "Linux"], ["desktop", "Chrome", "Windows"],
  ["mobile", "Safari", "iOS"], ["tablet", "Safari", "iPadOS"]];

function makeEvents(now) {
  const r = random(42);
  const events = [];
  for (let day = 185; day >= 0; day--) {
    const visits = Math.round(20 + r() * 30 + 12 * Math.sin(day / 5));
    for (let s = 0; s < visits; s++) {
      const start = now - day * DAY - Math.floor(r() * DAY);
      const [channel, source, medium, campaign] = pick(r, sources);
      const [country, city] = pick(r, places);
      const [device, browser, system] = pick(r, devices);
      const user = r() < 0.3 ? `r${Math.floor(r() * 200)}` : `u${day}-${s}`;
      const n = 1 + Math.floor(r() ** 2 * 9);
      const landing = pick(r, paths);
      for (let i = 0; i < n; i++) {
        events.push({
          time: start + i * 40_000 * r(), user, session: `${day}-${s}`, length: n,
          eventName: i === 0 ? "page_view" : pick(r, ["page_view", "user_engagement", "view_item", "add_to_cart", "purchase"]),
          pagePath: i === 0 ? landing : pick(r, paths), landingPage: landing,
          sessionDefaultChannelGroup: channel, sessionSource: source, sessionMedium: medium,
          sessionCampaignName: campaign, country, city, deviceCategory: device, browser,
          operatingSystem: system, newVsReturning: user[0] === "r" ? "returning" : "new",
        });
      }
    }
  }
  return events.filter((e) => e.time <= now);
}

function measure(rows, name) {
  const users = new Set(rows.map((e) => e.user)).size;
  const sessions = new Map(rows.map((e) => [e.session, e.length]));
  const engaged = [...sessions.values()].filter((n) => n > 1).length;
  const is = (event) => rows.filter((e) => e.eventName === event).length;
  switch (name) {
    case "activeUsers": return users;
    case "newUsers": return new Set(rows.filter((e) => e.newVsReturning === "new").map((e) => e.user)).size;
    case "sessions": return sessions.size;
    case "engagementRate": return sessions.size ? engaged / sessions.size : 0;
    case "bounceRate": return sessions.size ? 1 - engaged / sessions.size : 0;
    case "averageSessionDuration": return [...sessions.values()].reduce((a, n) => a + n * 38.4, 0) / (sessions.size || 1);
    case "screenPageViews": return is("page_view");
    case "keyEvents": return is("purchase");
    default: return rows.length;
  }
}

const wall = new Intl.DateTimeFormat("sv", { timeZone: property.timeZone, dateStyle: "short", timeStyle: "short" });

function stamp(events) {
  for (const e of events) {
    const text = wall.format(e.time);
    e.day = text.slice(0, 10);
    e.date = e.day.replaceAll("-", "");
    e.dateHour = e.date + text.slice(11, 13);
  }
  return events;
}

function conditions(expression) {
  if (!expression) return [];
  if (expression.andGroup) return expression.andGroup.expressions.flatMap(conditions);
  return [[expression.filter.fieldName, expression.filter.stringFilter.value]];
}

function report(events, q) {
  const held = conditions(q.dimensionFilter);
  const matching = events.filter((e) => held.every(([name, value]) => e[name] === value));
  const dims = (q.dimensions ?? []).map((d) => d.name);
  const ranges = q.dateRanges ?? [{}];
  const groups = new Map();
  for (const range of ranges) {
    for (const e of matching) {
      if (range.startDate && (e.day < range.startDate || e.day > range.endDate)) continue;
      const key = dims.map((d) => e[d]);
      if (ranges.length > 1) key.push(range.name);
      const id = JSON.stringify(key);
      if (!groups.has(id)) groups.set(id, { key, rows: [] });
      groups.get(id).rows.push(e);
    }
  }
  const rows = [...groups.values()].map(({ key, rows }) => ({
    dimensionValues: key.map((value) => ({ value })),
    metricValues: q.metrics.map(({ name }) => ({ value: String(measure(rows, name)) })),
  }));
  rows.sort((a, b) => dims[0]?.startsWith("date")
    ? a.dimensionValues[0].value.localeCompare(b.dimensionValues[0].value)
    : b.metricValues[0].value - a.metricValues[0].value);
  const now = Date.now();
  return {
    rows: rows.slice(0, Number(q.limit ?? 10000)), rowCount: rows.length,
    metadata: {
      timeZone: property.timeZone, currencyCode: "EUR",
      tidemark: {
        processedThrough: new Date(now - 300).toISOString(), finalThrough: new Date(now - 3 * DAY).toISOString(),
        completeThrough: new Date(now - 4000).toISOString(), exact: true, late: 12, duplicates: 3, tooLate: 0,
        refused: { unknown_measurement_id: 4 }, restatements: [],
      },
    },
  };
}

function body(req) {
  return new Promise((resolve) => {
    let text = "";
    req.on("data", (part) => (text += part));
    req.on("end", () => resolve(text ? JSON.parse(text) : {}));
  });
}

export function mockAPI() {
  let loggedIn = true;
  const events = stamp(makeEvents(Date.now()));
  const answer = async (req, url) => {
    const path = url.pathname;
    const q = await body(req);
    const mine = path.includes(empty.property) ? [] : events;
    const me = { email: "keeper@example.com", properties: [property, empty] };
    if (path === "/v1/login" || path === "/v1/setup") {
      if (q.password === "wrong") return [401, { error: { message: "no" } }];
      loggedIn = true;
      return [200, me];
    }
    if (path === "/v1/logout") return (loggedIn = false), [204];
    if (!loggedIn) return [401, { error: { code: 401, message: "Log in first.", status: "UNAUTHENTICATED" } }];
    if (path === "/v1/me") return [200, me];
    if (path === "/v1/properties") {
      return [200, { property: "1003", measurementId: "G-NEW00001", apiSecret: "s3cr3t-abcdefgh", readKey: "rk-0123456789abcdef" }];
    }
    if (path.endsWith("/ledger")) {
      const n = mine.length;
      return [200, {
        property: "1001", received: n ? n + 27 : 0, refused: n ? { unknown_measurement_id: 4, too_large: 1 } : {},
        accepted: n ? n + 22 : 0, pending: n ? 4 : 0, stored: n, duplicate: n ? 15 : 0, tooLate: n ? 3 : 0, expired: 0,
        erased: 0, synthetic: 0, unmerged: 0, overflow: 0, clamped: 0, late: n ? 2 : 0, balanced: true, processedThrough: new Date().toISOString(),
      }];
    }
    if (path.endsWith(":batchRunReports")) {
      // ?filter=city:busy in the dashboard's address shows the busy banner.
      if (JSON.stringify(q).includes('"busy"')) return [503, { error: { code: 503, message: "All query slots are taken.", status: "UNAVAILABLE" } }, { "Retry-After": "7" }];
      return [200, { reports: q.requests.map((r) => report(mine, r)) }];
    }
    const recent = mine.filter((e) => e.time > Date.now() - 30 * 60_000);
    for (const e of recent) e.minutesAgo = String(Math.floor((Date.now() - e.time) / 60_000)).padStart(2, "0");
    return [200, report(recent, q)];
  };
  return {
    name: "mock-api",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use(async (req, res, next) => {
        const url = new URL(req.url, "http://mock");
        if (!/^\/v1(beta)?\//.test(url.pathname)) return next();
        const [status, json, headers = {}] = await answer(req, url);
        res.writeHead(status, { "Content-Type": "application/json", ...headers });
        res.end(json === undefined ? undefined : JSON.stringify(json));
      });
    },
  };
}
