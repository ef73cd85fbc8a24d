// What docs/operate/archive.md tells people to ask DuckDB and ClickHouse is asked, and compared with what a third
// reader finds in the files.
package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // the engine of one of the examples

	"tidemark/internal/blob/s3blob"
	"tidemark/internal/testkit/objectserver"
	"tidemark/internal/testkit/parquetfile"
)

// example returns a query of the page, by the comment above it.
func (c *archivedCluster) example(engine string) string {
	c.t.Helper()
	_, text, ok := strings.Cut(read(c.t, "../../docs/operate/archive.md"), "\n-- "+engine+"\n")
	text, _, end := strings.Cut(text, ";\n")
	if !ok || !end {
		c.t.Fatalf("docs/operate/archive.md has no example for %s", engine)
	}
	return text
}

// with replaces what a reader replaces; each of it is in the example.
func (c *archivedCluster) with(query string, pairs ...string) string {
	c.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(query, pairs[i]) {
			c.t.Fatalf("the example has no %q: %s", pairs[i], query)
		}
		query = strings.ReplaceAll(query, pairs[i], pairs[i+1])
	}
	return query
}

// checkExamples asks both engines, which answer day, events and users.
func (c *archivedCluster) checkExamples(ctx context.Context, days []archivedDay) {
	c.t.Helper()
	dir := filepath.Join(c.dir, "archive")
	var want []string
	full := 0
	for _, d := range days {
		// A day before the traffic began may have one late event, or bots alone.
		events, clients := c.copyDay(ctx, dir, d)
		if events > 0 {
			want = append(want, fmt.Sprintf("%s %d %d", d.Day, events, clients))
		}
		if clients > 1 && clients < events {
			full++
		}
	}
	if full < 2 {
		c.t.Errorf("%d days have clients with several events, the test proves too little: %q", full, want)
	}
	id := "property = " + c.credentials.Property
	click := c.click.MustQuery(c.t, c.with(c.example("ClickHouse"), "https://s3.eu-central-1.amazonaws.com/tidemark/archive",
		c.objects.URL()+"/"+c.bucket.Bucket+"/final", "'KEY'", "'"+objectserver.AccessKey+"'", "'SECRET'", "'"+objectserver.SecretKey+"'",
		"property = 1", id), nil)
	got := strings.Split(strings.TrimSpace(strings.ReplaceAll(click, "\t", " ")), "\n")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		c.t.Errorf("ClickHouse reads %q, want %q", got, want)
	}
	if got := c.askDuckDB(c.with(c.example("DuckDB"), "/mnt/archive", dir, "property = 1", id)); !slices.Equal(got, want) {
		c.t.Errorf("DuckDB reads %q, want %q", got, want)
	}
}

// copyDay writes the objects of a day to a directory, and counts what the examples should find.
func (c *archivedCluster) copyDay(ctx context.Context, dir string, d archivedDay) (events, users int) {
	c.t.Helper()
	blobs, err := s3blob.Open(c.bucket)
	if err != nil {
		c.t.Fatal(err)
	}
	clients := map[string]bool{}
	for _, key := range d.Files {
		from, err := blobs.Get(ctx, key)
		if err != nil {
			c.t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil || from.Close() != nil {
			c.t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			c.t.Fatal(err)
		}
		write(c.t, path, string(text))
		f, err := parquetfile.Read(text)
		if err != nil {
			c.t.Fatal(err)
		}
		if !strings.HasSuffix(key, "-events.parquet") {
			continue
		}
		verdict, client, sub := f.Column("verdict").Values, f.Column("client").Values, f.Column("sub").Values
		for i := range f.Rows {
			if verdict[i] != "" {
				continue
			}
			clients[client[i]] = true
			if sub[i] == "0" {
				events++
			}
		}
	}
	return events, len(clients)
}

func (c *archivedCluster) askDuckDB(query string) (out []string) {
	c.t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		c.t.Fatal(err)
	}
	defer closeOf(c.t, db.Close)
	rows, err := db.Query("SELECT day::VARCHAR, * EXCLUDE (day) FROM (" + query + ") ORDER BY 1")
	if err != nil {
		c.t.Fatal(err)
	}
	defer closeOf(c.t, rows.Close)
	for rows.Next() {
		var day string
		var events, users int
		if err := rows.Scan(&day, &events, &users); err != nil {
			c.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d %d", day, events, users))
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return out
}
