// ClickHouse: the store that several processes share.
package config

import (
	"fmt"
	"time"

	"tidemark/internal/store/clickstore"
)

// ClickHouse is used by processes with roles of their own.
type ClickHouse struct {
	// URL is that of the HTTP interface, of a server or of what balances between several.
	URL string `yaml:"url"`
	// Database holds the tables; it must exist.
	Database string `yaml:"database"`
	User     string `yaml:"user"`
	// Password is best taken from the environment: ${NAME}.
	Password Secret `yaml:"password"`
	// Cluster is the name of the cluster as the servers know it; empty for one server.
	Cluster string `yaml:"cluster"`
	// Replicas is how many copies of each row the cluster keeps.
	Replicas int `yaml:"replicas"`
	// DedupWindow is how many blocks a table remembers, to know an insert that is repeated.
	DedupWindow int `yaml:"dedup_window"`
	// InsertTimeout ends an insert, QueryTimeout a query.
	InsertTimeout time.Duration `yaml:"insert_timeout"`
	QueryTimeout  time.Duration `yaml:"query_timeout"`
	// QueryMemory bounds a query on each server.
	QueryMemory Size `yaml:"query_memory"`
	// Grace is how long rows stay that no report needs which begins now.
	Grace time.Duration `yaml:"grace"`
}

func defaultClickHouse() ClickHouse {
	c := clickstore.DefaultConfig()
	return ClickHouse{Database: c.Database, Replicas: c.Replicas, DedupWindow: c.DedupWindow, InsertTimeout: c.InsertTimeout,
		QueryTimeout: c.QueryTimeout, QueryMemory: Size(c.QueryMemory), Grace: c.Grace}
}

// OnClickHouse tells whether there is one.
func (c Config) OnClickHouse() bool { return c.ClickHouse.URL != "" }

// ClickStore returns the store's own Config for batches of a log.
func (c Config) ClickStore(logName string) clickstore.Config {
	h := c.ClickHouse
	return clickstore.Config{URL: h.URL, Database: h.Database, User: h.User, Password: h.Password.Reveal(), Log: logName,
		Cluster: h.Cluster, Replicas: h.Replicas, DedupWindow: h.DedupWindow, InsertTimeout: h.InsertTimeout,
		QueryTimeout: h.QueryTimeout, QueryMemory: int64(h.QueryMemory), Grace: h.Grace}
}

func (c Config) validateClickHouse() error {
	if !c.OnClickHouse() {
		return nil
	}
	if err := c.ClickStore("any").Validate(); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	return nil
}
