// DDL: the statements that make the tables, for one server and for a cluster.
package clickstore

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// schemaVersion is what this code reads and writes.
const schemaVersion = 2

// local is the name of the table that holds rows where the other one only spreads
// them over a cluster.
const local = "_local"

// statements returns what brings a database from the version before to version.
// Each may be run again, and by several processes at the same time.
func statements(cfg Config, version int) []string {
	var out []string
	for _, t := range tablesOf(version) {
		out = append(out, createTable(cfg, t)...)
	}
	return out
}

// versionsStatements make the table that remembers the version.
func versionsStatements(cfg Config) []string {
	return createTable(cfg, table{name: versionsTable, columns: []column{{"version", "UInt32"}}, order: "version", spread: "version"})
}

func createTable(cfg Config, t table) []string {
	lines := make([]string, len(t.columns))
	for i, c := range t.columns {
		lines[i] = "    " + c.name + " " + c.sqlType
	}
	name, on := t.name, ""
	if cfg.Cluster != "" {
		name, on = t.name+local, " ON CLUSTER "+cfg.Cluster
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s%s (\n%s\n)\nENGINE = %s", name, on, strings.Join(lines, ",\n"), engineOf(cfg, t, name))
	if t.partition != "" {
		fmt.Fprintf(&b, "\nPARTITION BY %s", t.partition)
	}
	fmt.Fprintf(&b, "\nORDER BY (%s)", t.order)
	if s := tableSettings(cfg, t); len(s) > 0 {
		fmt.Fprintf(&b, "\nSETTINGS %s", strings.Join(s, ", "))
	}
	out := []string{b.String()}
	if cfg.Cluster != "" {
		// All rows of a client are of one log partition, so joins find what they need on
		// one server.
		out = append(out, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s%s AS %s\nENGINE = Distributed(%s, %s, %s, %s)",
			t.name, on, name, cfg.Cluster, cfg.Database, name, spread(t)))
	}
	return out
}

// spread is by what rows are spread over a cluster.
func spread(t table) string {
	if t.spread != "" {
		return t.spread
	}
	return "batch_partition"
}

func engineOf(cfg Config, t table, name string) string {
	engine, args := "MergeTree", []string{}
	if t.replacing != "" {
		engine = "ReplacingMergeTree"
	}
	if cfg.Replicas > 1 {
		engine = "Replicated" + engine
		args = append(args, "'/clickhouse/tables/{shard}/"+cfg.Database+"/"+name+"'", "'{replica}'")
	}
	if t.replacing != "" {
		args = append(args, t.replacing)
	}
	if len(args) == 0 {
		return engine
	}
	return engine + "(" + strings.Join(args, ", ") + ")"
}

// tableSettings: how long repeated inserts are known, and that what was acknowledged is on disk (U4).
func tableSettings(cfg Config, t table) []string {
	out := []string{"fsync_after_insert = 1", "fsync_part_directory = 1"}
	switch {
	case !t.isDeduped:
	case cfg.Replicas > 1:
		// By number only: by time, a window would end while nothing is inserted.
		out = append(out, fmt.Sprintf("replicated_deduplication_window = %d", cfg.DedupWindow),
			fmt.Sprintf("replicated_deduplication_window_seconds = %d", int((30*24*time.Hour).Seconds())))
	default:
		out = append(out, fmt.Sprintf("non_replicated_deduplication_window = %d", cfg.DedupWindow))
	}
	return out
}

// migrate makes the tables or brings them up to this code's version.
func (s *Store) migrate(ctx context.Context) error {
	for _, sql := range versionsStatements(s.cfg) {
		if err := s.execute(ctx, sql); err != nil {
			return fmt.Errorf("make table of versions: %w", err)
		}
	}
	have, err := s.number(ctx, "SELECT toUInt64(max(version)) FROM "+versionsTable)
	if err != nil {
		return fmt.Errorf("read version of tables: %w", err)
	}
	if have > schemaVersion {
		return fmt.Errorf("tables in database %s are of version %d, and this program knows %d: run the program that made them, or a newer one",
			s.cfg.Database, have, schemaVersion)
	}
	for v := int(have) + 1; v <= schemaVersion; v++ {
		for _, sql := range statements(s.cfg, v) {
			if err := s.execute(ctx, sql); err != nil {
				return fmt.Errorf("bring tables to version %d: %w", v, err)
			}
		}
		if err := s.execute(ctx, fmt.Sprintf("INSERT INTO %s SELECT toUInt32(%d)", versionsTable, v)); err != nil {
			return fmt.Errorf("note version %d of tables: %w", v, err)
		}
	}
	return nil
}
