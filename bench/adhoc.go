// Ad hoc: a filtered report against the same question in SQL by hand, over the
// same files, with the bare engine.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the driver
)

// The question is about final days only, so that the SQL by hand need not
// resolve which session a young event belongs to.
const adHocFirst, adHocLast = 40, 10 // days ago

const adHocSQL = `SELECT path, count(*) FILTER (WHERE page_view) AS views, count(*) AS events,
    count(DISTINCT client) FILTER (WHERE active) AS users
FROM read_parquet('%s')
WHERE property = %d AND event_time >= %d AND event_time < %d AND verdict = ''
  AND device_category = 'mobile' AND browser = 'Chrome'
GROUP BY path ORDER BY views DESC, path LIMIT 10`

func (b *bench) adHoc(ctx context.Context, s *server) (err error) {
	question := report{Dimensions: named("pagePath"), Metrics: named("screenPageViews", "eventCount", "activeUsers"),
		DateRanges: []dateRange{{fmt.Sprintf("%ddaysAgo", adHocFirst), fmt.Sprintf("%ddaysAgo", adHocLast)}},
		DimensionFilter: object{"andGroup": object{"expressions": []any{
			exactly("deviceCategory", "mobile"), exactly("browser", "Chrome")}}},
		OrderBys: []any{byMetric("screenPageViews"), byDimension("pagePath")}, Limit: "10"}
	query, err := s.adHocQuery()
	if err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open bare engine: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, setting := range []string{"SET threads = 2", "SET memory_limit = '1GiB'", "SET parquet_metadata_cache = true"} {
		if _, err := db.ExecContext(ctx, setting); err != nil {
			return fmt.Errorf("set up bare engine: %w", err)
		}
	}
	b.progress.say("comparing with SQL by hand")
	var ours, bare []float64
	for range b.asks {
		took, err := s.ask(ctx, question)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		began := time.Now()
		text, err := runBare(ctx, db, query)
		if err != nil {
			return err
		}
		bare = append(bare, time.Since(began).Seconds())
		if err := s.sameAnswer(ctx, question, text); err != nil {
			return err
		}
	}
	b.add("  ad-hoc filtered report, p50", millis(median(ours)), times(median(ours)/median(bare))+" of SQL by hand", "<= 1.2 x")
	return nil
}

func (s *server) adHocQuery() (string, error) {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return "", err
	}
	id, err := strconv.ParseUint(s.Property, 10, 64)
	if err != nil {
		return "", err
	}
	y, m, d := time.Now().In(zone).Date()
	from := time.Date(y, m, d-adHocFirst, 0, 0, 0, 0, zone).UnixMicro()
	to := time.Date(y, m, d-adHocLast+1, 0, 0, 0, 0, zone).UnixMicro()
	return fmt.Sprintf(adHocSQL, filepath.Join(s.dir, "store", "final_events-*.parquet"), id, from, to), nil
}

// runBare returns the rows as text.
func runBare(ctx context.Context, db *sql.DB, query string) ([][4]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("run SQL by hand: %w", err)
	}
	defer rows.Close()
	var out [][4]string
	for rows.Next() {
		var r [4]string
		if err := rows.Scan(&r[0], &r[1], &r[2], &r[3]); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// sameAnswer says so when the two do not answer the same question.
func (s *server) sameAnswer(ctx context.Context, question report, bare [][4]string) error {
	var a answer
	err := s.call(ctx, "POST", "/v1beta/properties/"+s.Property+":runReport", question, &a)
	if err != nil {
		return err
	}
	if len(a.Rows) != len(bare) {
		return fmt.Errorf("the report has %d rows, SQL by hand %d", len(a.Rows), len(bare))
	}
	for i, row := range a.Rows {
		got := [4]string{row.DimensionValues[0].Value, row.MetricValues[0].Value, row.MetricValues[1].Value, row.MetricValues[2].Value}
		if got != bare[i] {
			return fmt.Errorf("row %d of the report is %v, of SQL by hand %v", i, got, bare[i])
		}
	}
	return nil
}
