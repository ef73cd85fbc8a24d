// The HTTP client: JSON in and out, and errors that say what to do about them.
import { problemOf } from "./problem";

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer at all.
    message: string,
    readonly retryAfter: number, // Seconds, 0 if the server did not say.
    readonly reason = "", // Of a precondition that does not hold.
  ) {
    super(message);
  }
}

export async function call<T>(
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, "The server does not answer.", 0);
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  const problem = problemOf(text, response.status);
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  throw new ApiError(response.status, problem.message, retryAfter, problem.reason);
}

export interface Property {
  property: string;
  name: string;
  timeZone: string;
  currency: string;
  measurementIds: string[];
}

export interface Me {
  email: string;
  properties: Property[];
}

export interface NewProperty {
  property: string;
  measurementId: string;
  apiSecret: string;
  readKey: string;
}

export interface Ledger {
  property: string;
  received: number;
  refused: Record<string, number>;
  accepted: number;
  pending: number;
  stored: number;
  duplicate: number;
  tooLate: number;
  expired: number;
  erased: number;
  synthetic: number;
  unmerged: number;
  overflow: number;
  clamped: number;
  late: number;
  balanced: boolean;
  processedThrough: string;
  finalThrough: string;
  completeThrough: string;
  lag: number;
  lateness: { underSeconds: number; events: number }[];
  completeness: { claimed: number; contradicted: number; of: number };
}
