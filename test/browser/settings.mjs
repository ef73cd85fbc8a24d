// What the test needs to know about the server it drives, from the environment.

const needed = [
  "TIDEMARK_URL", // Where the server listens; it must run with the demo shop.
  "TIDEMARK_PROPERTY", // The shop's property: fresh, without traffic of its own.
  "TIDEMARK_READ_KEY",
  "TIDEMARK_MEMBER_EMAIL",
  "TIDEMARK_MEMBER_PASSWORD",
];

const missing = needed.filter((name) => !process.env[name]);
if (missing.length) {
  console.error(`the browser test drives a running server; set ${missing.join(", ")}`);
  process.exit(2);
}

export const url = process.env.TIDEMARK_URL.replace(/\/$/, "");
export const property = process.env.TIDEMARK_PROPERTY;
export const readKey = process.env.TIDEMARK_READ_KEY;
export const email = process.env.TIDEMARK_MEMBER_EMAIL;
export const password = process.env.TIDEMARK_MEMBER_PASSWORD;
export const shots = process.env.SHOTS ?? ""; // A folder for screenshots; empty: none are made.
export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
