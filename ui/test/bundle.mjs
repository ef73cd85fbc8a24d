// Bundles the pure parts of the dashboard for Node's test runner, with the build tool that is here.
import { build } from "vite";

await build({
  configFile: false,
  logLevel: "warn",
  root: new URL("..", import.meta.url).pathname,
  build: { ssr: "test/parts.ts", outDir: "node_modules/.test", emptyOutDir: true },
});
