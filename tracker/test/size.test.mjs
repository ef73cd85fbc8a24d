// The budget: a script on every page of every site must stay small.
import test from "node:test";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { scriptBytes } from "./browser.mjs";

test("the script is at most 4 kB gzipped", () => {
  const size = gzipSync(scriptBytes, { level: 9 }).length;
  assert.ok(size <= 4000, `${size} bytes gzipped`);
});

test("the script names no storage that it must not use by default", () => {
  const text = scriptBytes.toString();
  assert.ok(!text.includes("sessionStorage"));
  assert.ok(!text.includes(".cookie"));
});
