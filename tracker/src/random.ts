// Random identifiers. crypto.randomUUID would need a secure context; this works on plain HTTP.

/** Returns 128 random bits as 32 hexadecimal digits. */
export function randomID(): string {
  let id = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) {
    id += (byte + 256).toString(16).slice(1);
  }
  return id;
}
