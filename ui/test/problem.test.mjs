// Refusals: what the server says of them becomes a sentence that leads on.
import test from "node:test";
import assert from "node:assert/strict";
import { problemOf, ROWS_NOT_KEPT, titleOf } from "../node_modules/.test/parts.js";

const refusal = (error) => JSON.stringify({ error });

test("days without rows are told apart from a wrong question, with the day from which to ask", () => {
  const problem = problemOf(
    refusal({
      code: 400, status: "FAILED_PRECONDITION", message: "requests[1].dateRanges: long",
      details: [{ "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
        violations: [{ type: "ROWS_NOT_KEPT", subject: "requests[1].dateRanges", description: "rows begin on 2026-03-01" }] }],
    }),
    400,
  );
  assert.equal(problem.reason, ROWS_NOT_KEPT);
  assert.match(problem.message, /rows begin on 2026-03-01/);
  assert.match(titleOf({ status: 400, reason: problem.reason }), /cannot be asked this any more/);
});

test("other refusals are shown in the server's words", () => {
  const wrong = problemOf(refusal({ message: "metrics[0].name: no", details: [{ fieldViolations: [{}] }] }), 400);
  assert.deepEqual(wrong, { message: "metrics[0].name: no", reason: "" });
  assert.equal(titleOf({ status: 400, reason: "" }), "The server refused the question.");
  assert.equal(titleOf({ status: 503, reason: "" }), "The server is busy.");
  assert.equal(titleOf({ status: 0, reason: "" }), "The server is in trouble.");
  assert.deepEqual(problemOf("<html>", 502), { message: "The server answered with status 502.", reason: "" });
});
