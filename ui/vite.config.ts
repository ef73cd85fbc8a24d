// Builds the dashboard into the directory that the Go package internal/ui embeds. Each file gets a
// gzipped twin there, so that the server never compresses.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { mockAPI } from "./dev/mock.mjs";

const dist = new URL("../internal/ui/dist", import.meta.url).pathname;

/** Empties the output but for its placeholder, which is committed. */
function emptyDist(): Plugin {
  return {
    name: "empty-dist",
    apply: "build",
    buildStart() {
      for (const name of readdirSync(dist)) {
        if (name !== ".keep") rmSync(join(dist, name), { recursive: true });
      }
    },
  };
}

function gzipDist(dir = dist): Plugin {
  const pack = (from: string) => {
    for (const name of readdirSync(from)) {
      const path = join(from, name);
      if (statSync(path).isDirectory()) pack(path);
      else if (/\.(js|css|html|svg)$/.test(name)) {
        writeFileSync(path + ".gz", gzipSync(readFileSync(path), { level: 9 }));
      }
    }
  };
  return { name: "gzip-dist", apply: "build", closeBundle: () => pack(dir) };
}

export default defineConfig({
  plugins: [svelte(), mockAPI(), emptyDist(), gzipDist()],
  build: {
    outDir: dist,
    emptyOutDir: false,
    target: "es2022",
    // The content security policy allows no inline scripts, and data: only for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
