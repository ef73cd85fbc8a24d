// What a refusal of the server says, and the words for it on a screen.

export interface Problem {
  message: string;
  reason: string; // The kind of a precondition that does not hold, or "".
}

/** The kind of refusal of days that are kept as sums only. */
export const ROWS_NOT_KEPT = "ROWS_NOT_KEPT";

interface Violation {
  type?: string;
  description?: string;
}

export function problemOf(text: string, status: number): Problem {
  try {
    const error = JSON.parse(text).error;
    const details: { violations?: Violation[] }[] = error.details ?? [];
    const gone = details.flatMap((d) => d.violations ?? []).find((v) => v.type === ROWS_NOT_KEPT);
    if (gone) {
      const message =
        `Of the days before, only sums of single dimensions are kept (${gone.description}). ` +
        "Take filters away, or choose later days.";
      return { message, reason: ROWS_NOT_KEPT };
    }
    return { message: String(error.message), reason: "" };
  } catch {
    return { message: `The server answered with status ${status}.`, reason: "" };
  }
}

/** What stands before the message, in bold. */
export function titleOf(error: { status: number; reason: string }): string {
  if (error.reason === ROWS_NOT_KEPT) return "These days cannot be asked this any more.";
  if (error.status === 503 || error.status === 429) return "The server is busy.";
  if (error.status === 0 || error.status >= 500) return "The server is in trouble.";
  return "The server refused the question.";
}
