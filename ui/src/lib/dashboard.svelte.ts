// The dashboard's numbers: one question made of a few reports, and the answers as they are shown.
// Old answers stay on screen until the new ones are whole, so that nothing mixes two questions.
import { account } from "./account.svelte";
import { ApiError } from "./api";
import { totals, type Tab } from "./metrics";
import { isHourly, type Days } from "./ranges";
import {
  filterExpression,
  parseTable,
  runReports,
  type Filter,
  type Freshness,
  type ReportRequest,
  type Row,
  type Table,
} from "./report";

export interface Query {
  property: string;
  days: Days;
  before: Days | null;
  filters: Filter[];
  tabs: Tab[];
  limits: Record<string, number>; // By dimension; what is not named gets ROWS.
}

export interface Answer {
  query: Query;
  totals: { now: number[]; before: number[] | null };
  series: Row[];
  tables: Record<string, Table>; // By dimension.
  timeZone: string;
  freshness: Freshness;
}

export const ROWS = 10;
export const MORE_ROWS = 100;

const zeros = totals.map(() => 0);

export function requestsFor(query: Query): ReportRequest[] {
  const current = { startDate: query.days.start, endDate: query.days.end, name: "current" };
  const compared = query.before
    ? [current, { startDate: query.before.start, endDate: query.before.end, name: "previous" }]
    : [current];
  const dimensionFilter = filterExpression(query.filters);
  const metrics = totals.map(({ name }) => ({ name }));
  const bucket = isHourly(query.days) ? "dateHour" : "date";
  return [
    { metrics, dateRanges: compared, dimensionFilter },
    {
      dimensions: [{ name: bucket }],
      metrics,
      dateRanges: compared,
      dimensionFilter,
      orderBys: [{ dimension: { dimensionName: bucket } }],
      limit: "1000",
    },
    ...query.tabs.map(({ dimension, metrics: [first, second] }) => ({
      dimensions: [{ name: dimension }],
      metrics: [{ name: first }, { name: second }],
      dateRanges: [{ startDate: current.startDate, endDate: current.endDate }],
      dimensionFilter,
      orderBys: [
        { metric: { metricName: first }, desc: true },
        { dimension: { dimensionName: dimension } },
      ],
      limit: String(query.limits[dimension] ?? ROWS),
    })),
  ];
}

async function ask(query: Query, signal: AbortSignal): Promise<Answer> {
  const reports = await runReports(query.property, requestsFor(query), signal);
  const [first, series, ...rest] = reports;
  const rows = parseTable(first!).rows;
  const before = rows.find((r) => r.dims[0] === "previous");
  const now = rows.find((r) => r !== before);
  const tables: Record<string, Table> = {};
  query.tabs.forEach((tab, i) => (tables[tab.dimension] = parseTable(rest[i] ?? {})));
  return {
    query,
    totals: {
      now: now?.values ?? zeros,
      before: query.before ? (before?.values ?? zeros) : null,
    },
    series: parseTable(series!).rows,
    tables,
    timeZone: first!.metadata?.timeZone ?? "UTC",
    freshness: first!.metadata?.tidemark ?? {},
  };
}

class Dashboard {
  answer = $state.raw<Answer | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  private running: AbortController | null = null;

  /** Asks anew; an older question that is still under way is dropped. */
  async load(query: Query): Promise<void> {
    this.running?.abort();
    const mine = (this.running = new AbortController());
    if (this.answer && this.answer.query.property !== query.property) this.answer = null;
    this.loading = true;
    try {
      const answer = await ask(query, mine.signal);
      if (mine.signal.aborted) return;
      this.answer = answer;
      this.error = null;
    } catch (e) {
      if (mine.signal.aborted || account.handle(e)) return;
      this.error = e instanceof ApiError ? e : new ApiError(0, String(e), 0);
    } finally {
      if (this.running === mine) this.loading = false;
    }
  }

  stop(): void {
    this.running?.abort();
  }
}

export const dashboard = new Dashboard();
