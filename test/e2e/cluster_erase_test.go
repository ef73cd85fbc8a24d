// S30, D10 in a cluster: a person is forgotten by the order of any process that can see log and store.
package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"tidemark/internal/testkit/process"
)

// checkErased has two devices of one person forgotten, and nothing else.
func (c *cluster) checkErased() {
	c.t.Helper()
	before := askLedger(c.t, c.apis[0].URL, c.credentials)
	query := "?measurement_id=" + c.credentials.MeasurementID + "&api_secret=" + c.credentials.APISecret
	for _, who := range []string{"anna-phone", "anna-desk", "berta-phone"} {
		person, _, _ := strings.Cut(who, "-")
		body := fmt.Sprintf(`{"client_id":%q,"user_id":"user-%s","timestamp_micros":%d,"events":[{"name":"page_view","params":{"session_id":"1",
		  "page_location":"https://shop.example/of-%s"}}]}`, who, person, time.Now().UnixMicro(), who)
		if status, text := post(c.t, c.collectors[0].URL+"/mp/collect"+query, body); status != http.StatusNoContent {
			c.t.Fatalf("answer %d %q", status, text)
		}
	}
	waitStored(c.t, c.apis[0].URL, c.credentials, before.Stored+3)
	var result struct{ Clients, Events int }
	out := process.Command(c.t, binary, "erase", "--data-dir", filepath.Join(c.dir, "api-0"), "--property", c.credentials.Property,
		"--user-id", "user-anna", "--json")
	if err := json.Unmarshal(out, &result); err != nil {
		c.t.Fatalf("decode %s: %v", out, err)
	}
	if result.Clients != 2 || result.Events != 2 {
		c.t.Errorf("erased %+v, want 2 clients and 2 events", result)
	}
	for _, api := range c.apis {
		rows := fmt.Sprint(ask(c.t, api.URL, c.credentials, `{"dimensions":[{"name":"pagePath"}],"metrics":[{"name":"eventCount"}],"limit":"250000",`+lastDays+`}`).Rows)
		if strings.Contains(rows, "of-anna") || !strings.Contains(rows, "of-berta") {
			c.t.Errorf("the report is %s", rows)
		}
		if l := askLedger(c.t, api.URL, c.credentials); l.Stored != before.Stored+1 || l.Erased != before.Erased+2 || !l.Balanced {
			c.t.Errorf("the ledger is %+v, before it was %+v", l, before)
		}
	}
}
