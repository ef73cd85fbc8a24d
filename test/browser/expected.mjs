// What the visits amount to, counted by hand from visitors.mjs.

export const views = {
  "/demo/": 2, // A and B.
  "/demo/c/shore": 1,
  "/demo/p/storm-lantern": 1,
  "/demo/guide/sizes": 1,
  "/demo/guide/wool": 1, // The SPA route.
  "/demo/cart": 1,
  "/demo/checkout": 1,
  "/demo/thanks": 1,
  "/demo/journal/reading-the-tide": 1, // B.
};

export const events = {
  page_view: 10, // A 8, B 2.
  user_engagement: 10, // One for each page that was left.
  view_item: 1,
  add_to_cart: 1,
  begin_checkout: 1,
  purchase: 1,
};

export const totals = {
  activeUsers: 2,
  newUsers: 2,
  sessions: 2,
  engagementRate: 1, // Both saw two pages or more.
  screenPageViews: 10,
  eventCount: 24,
  keyEvents: 1, // The purchase.
};

// The bot's two views and two engagements are accepted and kept, and counted in no report.
const bot = 4;

// A's first page view comes twice, because its answer was lost.
const twice = 1;

export const ledger = {
  received: totals.eventCount + bot + twice,
  accepted: totals.eventCount + bot + twice,
  stored: totals.eventCount + bot,
  duplicate: twice,
  pending: 0,
  tooLate: 0,
  refused: {},
  balanced: true,
};
