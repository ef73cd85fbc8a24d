// Roles: what a server can be, as one table.
package app

import "tidemark/internal/cli"

// Roles lists them in the order in which they start.
func Roles() []cli.Role {
	return []cli.Role{
		{Name: "registry", Description: "Properties, keys, members and salts, in SQLite."},
		{Name: "log", Description: "The durable event log, in Pebble."},
		{Name: "store", Description: "Rows in memory and Parquet segments, queried by DuckDB."},
		{Name: "processor", Needs: []string{"log", "store"}, Description: "Folds events into sessions and rows, by event time."},
		{Name: "collector", Needs: []string{"registry", "log"}, Description: "Takes events over HTTP and makes them durable."},
		{Name: "api", Needs: []string{"registry", "store", "processor"}, Description: "Answers reports, logins and the ledger."},
		{Name: "ui", Needs: []string{"api"}, Description: "Serves the dashboards and the tracker."},
		{Name: "all", Needs: []string{"registry", "log", "store", "processor", "collector", "api", "ui"},
			Description: "Everything in one process: what serve runs."},
	}
}
