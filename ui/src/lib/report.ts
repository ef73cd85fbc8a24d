// The report API's shapes (GA4 Data API), and the small step from its strings to numbers.
import { call } from "./api";

export interface DateRange {
  startDate: string;
  endDate: string;
  name?: string;
}

export type FilterExpression =
  | { andGroup: { expressions: FilterExpression[] } }
  | {
      filter: {
        fieldName: string;
        stringFilter: { matchType: "EXACT"; value: string; caseSensitive: boolean };
      };
    };

export interface ReportRequest {
  dimensions?: { name: string }[];
  metrics: { name: string }[];
  dateRanges?: DateRange[];
  dimensionFilter?: FilterExpression;
  orderBys?: (
    | { metric: { metricName: string }; desc?: boolean }
    | { dimension: { dimensionName: string }; desc?: boolean }
  )[];
  limit?: string;
}

/** How fresh and how sure an answer is. */
export interface Freshness {
  processedThrough?: string;
  finalThrough?: string;
  completeThrough?: string;
  exact?: boolean;
  bound?: string; // How far an approximate number may be off, in words.
  late?: number;
  duplicates?: number;
  tooLate?: number;
  refused?: Record<string, number>;
  restatements?: unknown[];
  keptZones?: { timeZone: string; to: string }[]; // Days whose rows are gone, of another zone.
}

export interface ReportResponse {
  dimensionHeaders?: { name: string }[];
  metricHeaders?: { name: string; type: string }[];
  rows?: { dimensionValues?: { value?: string }[]; metricValues?: { value?: string }[] }[];
  rowCount?: number;
  metadata?: { timeZone?: string; currencyCode?: string; tidemark?: Freshness };
}

export interface Row {
  dims: string[];
  values: number[];
}

export interface Table {
  rows: Row[];
  rowCount: number;
}

export interface Filter {
  dimension: string;
  value: string;
}

/** The API allows five reports in a batch. */
export const MAX_BATCH = 5;

export function parseTable(response: ReportResponse): Table {
  const rows = (response.rows ?? []).map((row) => ({
    dims: (row.dimensionValues ?? []).map((v) => v.value ?? ""),
    values: (row.metricValues ?? []).map((v) => Number(v.value ?? 0)),
  }));
  return { rows, rowCount: response.rowCount ?? rows.length };
}

/** All filters must hold. A row's value is meant exactly, so its case counts. */
export function filterExpression(filters: Filter[]): FilterExpression | undefined {
  const expressions = filters.map((f) => ({
    filter: {
      fieldName: f.dimension,
      stringFilter: { matchType: "EXACT" as const, value: f.value, caseSensitive: true },
    },
  }));
  if (expressions.length < 2) return expressions[0];
  return { andGroup: { expressions } };
}

export function chunks<T>(list: T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < list.length; i += size) out.push(list.slice(i, i + size));
  return out;
}

/** Runs any number of reports in as few calls as the API allows, in parallel. */
export async function runReports(
  property: string,
  requests: ReportRequest[],
  signal?: AbortSignal,
): Promise<ReportResponse[]> {
  const path = `/v1beta/properties/${encodeURIComponent(property)}:batchRunReports`;
  const batches = await Promise.all(
    chunks(requests, MAX_BATCH).map((batch) =>
      call<{ reports?: ReportResponse[] }>("POST", path, { requests: batch }, signal),
    ),
  );
  return batches.flatMap((b) => b.reports ?? []);
}

export function runRealtime(
  property: string,
  request: ReportRequest,
  signal?: AbortSignal,
): Promise<ReportResponse> {
  const path = `/v1beta/properties/${encodeURIComponent(property)}:runRealtimeReport`;
  return call<ReportResponse>("POST", path, request, signal);
}
