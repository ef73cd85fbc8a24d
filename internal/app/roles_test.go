// What roles need of a configuration is said before anything starts.
package app

import (
	"strings"
	"testing"

	"tidemark/internal/config"
)

func TestRolesSayWhatTheConfigurationLacks(t *testing.T) {
	whole := config.Default()
	whole.EventLog.Kafka.Brokers = []string{"kafka:9092"}
	whole.Postgres.URL = "postgres://db/tidemark"
	whole.ClickHouse.URL = "http://clickhouse:8123"
	whole.Objects.Dir = "/mnt/objects"
	archived := whole
	archived.Archive.Dir = "/mnt/archive"
	noObjects := whole
	noObjects.Objects.Dir = ""
	for _, c := range []struct {
		roles []string
		cfg   config.Config
		want  string // "": fine
	}{
		{[]string{"collector", "processor", "api"}, whole, ""},
		{[]string{"collector", "api"}, noObjects, ""},
		{[]string{"api", "processor"}, noObjects, "objects.dir or objects.s3 (for processor)"},
		{[]string{"collector"}, config.Default(), "eventlog.kafka.brokers (for collector), postgres.url (for collector)"},
		{[]string{"api"}, config.Default(), "clickhouse.url (for api)"},
		{[]string{"boss"}, whole, "there are collector, processor, api, archive, and all"},
		{[]string{"archive"}, whole, "archive.dir or archive.s3 (for archive)"},
		{[]string{"archive", "api"}, archived, ""},
		{[]string{"archive"}, config.Default(), "clickhouse.url (for archive)"},
		{[]string{"all", "api"}, whole, "stands alone"},
	} {
		err := checkRoles(c.roles, c.cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.roles, err, c.want)
		}
	}
}
