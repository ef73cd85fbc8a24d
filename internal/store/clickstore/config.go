// Configuration and what the store is wired to.
package clickstore

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is the operator's choices.
type Config struct {
	// URL of ClickHouse's HTTP interface, of one server or of what balances between several:
	// http://127.0.0.1:8123.
	URL string
	// Database holds the tables. It must be there. Default tidemark.
	Database string
	// User and Password; none: the server's default user.
	User     string
	Password string
	// Log names the log whose batches this store inserts and publishes (store.BatchID). Rows
	// of other logs that are published are read too.
	Log string

	// Cluster is the name of the cluster as the servers know it; "" for one server. Rows then lie
	// with the others of their log partition.
	Cluster string
	// Replicas is how many copies of each row the cluster keeps; an insert waits for all of
	// them, since any may be asked next. 1 or 0: none but the row itself. More need a Keeper.
	Replicas int
	// DedupWindow is how many blocks a table remembers to know an insert that is repeated. Too small:
	// two processes that insert one batch at the same time, or a minute apart, may both put their
	// rows in. It must be more than the blocks that a table gets in trustFor and InsertTimeout
	// together: two minutes of some 80 a second by default. Default 10000.
	DedupWindow int

	// InsertTimeout ends an insert of one block. Too short: large batches never get in.
	// Default 60 s.
	InsertTimeout time.Duration
	// QueryTimeout ends a query. Default 30 s.
	QueryTimeout time.Duration
	// QueryMemory bounds a query on each server, in bytes. Default 2 GiB.
	QueryMemory int64
	// Grace is how long rows stay that no snapshot needs which is taken now. Snapshots that are held for
	// longer can fail. It must be more than QueryTimeout, and the same in all processes. Default 10 min.
	Grace time.Duration
}

// DefaultConfig returns the defaults; URL and Log are left to the caller.
func DefaultConfig() Config {
	return Config{Database: "tidemark", Replicas: 1, DedupWindow: 10_000, InsertTimeout: time.Minute,
		QueryTimeout: 30 * time.Second, QueryMemory: 2 << 30, Grace: 10 * time.Minute}
}

// withDefaults fills what is zero.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	c.Database = orDefault(c.Database, d.Database)
	c.Replicas = orDefault(c.Replicas, d.Replicas)
	c.DedupWindow = orDefault(c.DedupWindow, d.DedupWindow)
	c.InsertTimeout = orDefault(c.InsertTimeout, d.InsertTimeout)
	c.QueryTimeout = orDefault(c.QueryTimeout, d.QueryTimeout)
	c.QueryMemory = orDefault(c.QueryMemory, d.QueryMemory)
	c.Grace = orDefault(c.Grace, d.Grace)
	return c
}

func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// Validate says what is wrong with c.
func (c Config) Validate() error {
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("url of ClickHouse must be http://host:port or https://host:port")
	case u.User != nil || u.RawQuery != "":
		return errors.New("url of ClickHouse must not hold a user, a password or settings: they have keys of their own")
	case c.Database != "" && !name.MatchString(c.Database):
		return fmt.Errorf("database %q of ClickHouse must be letters, digits and _", c.Database)
	case c.Cluster != "" && !name.MatchString(c.Cluster):
		return fmt.Errorf("cluster %q of ClickHouse must be letters, digits and _", c.Cluster)
	case c.Cluster == "" && c.Replicas > 1:
		return errors.New("replicas of ClickHouse need a cluster")
	case c.Replicas < 0 || c.DedupWindow < 0 || c.QueryMemory < 0:
		return errors.New("replicas, dedup window and query memory must not be negative")
	case c.QueryTimeout < 0 || c.InsertTimeout < 0:
		return errors.New("query and insert timeout must not be negative")
	case c.withDefaults().Grace <= c.withDefaults().QueryTimeout:
		return errors.New("grace must be longer than query timeout")
	}
	return checkLog(c.Log)
}

// checkLog says whether the name of a log can stand in a token.
func checkLog(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`).MatchString(name) {
		return fmt.Errorf("log %q must be up to 100 ASCII letters, digits, '-', '_' and '.'", name)
	}
	return nil
}

// Deps is the wiring.
type Deps struct {
	Logger     *slog.Logger          // nil: nothing is logged
	Registerer prometheus.Registerer // nil: telemetry is kept to itself
	HTTP       http.RoundTripper     // nil: connections of its own
}
