// Bundles the tracker into one small script that any page can load, and puts it where the Go
// package internal/ui embeds it.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";
import { readFileSync, writeFileSync } from "node:fs";

const outfile = new URL("../internal/ui/tracker/tidemark.js", import.meta.url).pathname;

await build({
  entryPoints: [new URL("src/index.ts", import.meta.url).pathname],
  outfile,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2018"],
  legalComments: "none",
  banner: { js: "/* Tidemark tracker. Apache-2.0. */" },
});

const packed = gzipSync(readFileSync(outfile), { level: 9 });
writeFileSync(outfile + ".gz", packed);
console.log(`tidemark.js: ${readFileSync(outfile).length} bytes, ${packed.length} gzipped`);
