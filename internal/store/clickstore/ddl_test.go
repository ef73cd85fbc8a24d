// The tables as operators see them, and who may use them.
package clickstore

import (
	"bufio"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

func bufferOf(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }

// TestTablesAreAsDocumented prints the statements of each layout: ddl [cluster=name] [replicas=n].
func TestTablesAreAsDocumented(t *testing.T) {
	datadriven.Walk(t, "testdata/ddl", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			cfg := Config{URL: "http://clickhouse:8123", Log: "log"}
			for _, arg := range d.CmdArgs {
				switch arg.Key {
				case "cluster":
					cfg.Cluster = arg.Vals[0]
				case "replicas":
					arg.Scan(t, 0, &cfg.Replicas)
				}
			}
			if err := cfg.Validate(); err != nil {
				d.Fatalf(t, "%v", err)
			}
			cfg = cfg.withDefaults()
			all := versionsStatements(cfg)
			for v := 1; v <= schemaVersion; v++ {
				all = append(all, statements(cfg, v)...)
			}
			return strings.Join(all, ";\n") + ";\n"
		})
	})
}

func TestOpenRefusesTablesOfANewerProgram(t *testing.T) {
	server := startEngine(t)
	cfg := configFor(server.NewDatabase(t))
	open(t, cfg, &line{server: server})
	open(t, cfg, &line{server: server})
	if got := server.MustQuery(t, "SELECT arraySort(groupArray(version)) FROM schema_versions", url.Values{"database": {cfg.Database}}); got != "[1,2]" {
		t.Errorf("versions: got %s, want [1,2]", got)
	}
	server.MustQuery(t, fmt.Sprintf("INSERT INTO %s.schema_versions SELECT %d", cfg.Database, schemaVersion+1), nil)
	if _, err := Open(t.Context(), cfg, Deps{HTTP: &line{server: server}}); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("got %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	server := startEngine(t)
	good := configFor(server.NewDatabase(t))
	for want, change := range map[string]func(*Config){
		"UNKNOWN_DATABASE":      func(c *Config) { c.Database = "missing" },
		"AUTHENTICATION_FAILED": func(c *Config) { c.Password = "wrong" },
	} {
		cfg := good
		change(&cfg)
		if _, err := Open(t.Context(), cfg, Deps{HTTP: &line{server: server}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	good := Config{URL: "https://ch.example:8443", Log: "log-1", Database: "t", Cluster: "c", Replicas: 2}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no url":            func(c *Config) { c.URL = "" },
		"native protocol":   func(c *Config) { c.URL = "tcp://ch:9000" },
		"password in url":   func(c *Config) { c.URL = "http://me:secret@ch:8123" },
		"settings in url":   func(c *Config) { c.URL = "http://ch:8123/?readonly=1" },
		"database":          func(c *Config) { c.Database = "a b" },
		"cluster":           func(c *Config) { c.Cluster = "c'; DROP" },
		"copies of nothing": func(c *Config) { c.Cluster = "" },
		"no log":            func(c *Config) { c.Log = "" },
		"log with a slash":  func(c *Config) { c.Log = "a/b" },
		"window":            func(c *Config) { c.DedupWindow = -1 },
		"timeout":           func(c *Config) { c.QueryTimeout = -time.Second },
	} {
		cfg := good
		change(&cfg)
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}
