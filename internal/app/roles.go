// Roles: what a server can be, as one table, and what each needs of a configuration.
package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidemark/internal/cli"
	"tidemark/internal/config"
)

// Names of roles that --role knows.
const (
	roleAll       = "all"
	roleCollector = "collector"
	roleProcessor = "processor"
	roleAPI       = "api"
	roleArchive   = "archive"
)

// Roles lists them in the order in which they start.
func Roles() []cli.Role {
	return []cli.Role{
		{Name: "registry", Description: "Properties, keys, members and salts, in SQLite or PostgreSQL."},
		{Name: "log", Description: "The durable event log, in Pebble or Kafka."},
		{Name: "store", Description: "Rows in memory and Parquet segments, queried by DuckDB; or tables in ClickHouse."},
		{Name: roleProcessor, Needs: []string{"log", "store"}, Description: "Folds events into sessions and rows, by event time."},
		{Name: roleCollector, Needs: []string{"registry", "log"}, Description: "Takes events over HTTP and makes them durable."},
		{Name: roleAPI, Needs: []string{"registry", "log", "store"}, Description: "Answers reports, logins and the ledger, and serves the dashboards."},
		{Name: roleArchive, Needs: []string{"registry", "log", "store"}, Description: "Keeps final days as Parquet files in object storage. One suffices; several do no harm."},
		{Name: roleAll, Needs: []string{"registry", "log", "store", "processor", "collector", "api"},
			Description: "Everything in one process, with a store of its own: what serve runs without --role."},
	}
}

// has tells whether this process has a role.
func (s *server) has(role string) bool { return !s.isRoled() || slices.Contains(s.Serving.Roles, role) }

// isRoled tells whether this is one of several processes that share the work.
func (s *server) isRoled() bool {
	return len(s.Serving.Roles) > 0 && !slices.Equal(s.Serving.Roles, []string{roleAll})
}

// checkRoles says what of the configuration the roles lack.
func checkRoles(roles []string, cfg config.Config) error {
	known := []string{roleCollector, roleProcessor, roleAPI, roleArchive}
	for _, role := range roles {
		if role == roleAll {
			return errors.New("--role all stands alone: it is everything in one process")
		}
		if !slices.Contains(known, role) {
			return fmt.Errorf("--role %s: there are %s, and all", role, strings.Join(known, ", "))
		}
	}
	var missing []string
	need := func(is bool, key string, of ...string) {
		for _, role := range of {
			if !is && slices.Contains(roles, role) {
				missing = append(missing, fmt.Sprintf("%s (for %s)", key, role))
				return
			}
		}
	}
	need(cfg.OnKafka(), "eventlog.kafka.brokers", known...)
	need(cfg.OnPostgres(), "postgres.url", known...)
	need(cfg.OnClickHouse(), "clickhouse.url", roleProcessor, roleAPI, roleArchive)
	need(cfg.HasObjects(), "objects.dir or objects.s3", roleProcessor)
	need(cfg.HasArchive(), "archive.dir or archive.s3", roleArchive)
	if len(missing) > 0 {
		return fmt.Errorf("processes with roles of their own share what lies elsewhere, and the configuration does not say where: %s",
			strings.Join(missing, ", "))
	}
	return nil
}
