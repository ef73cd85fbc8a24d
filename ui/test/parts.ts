// What the tests look at: everything that needs no browser.
export * from "../src/lib/format";
export * from "../src/lib/metrics";
export * from "../src/lib/problem";
export * from "../src/lib/ranges";
export * from "../src/lib/report";
export * from "../src/lib/series";
export * from "../src/lib/view";
