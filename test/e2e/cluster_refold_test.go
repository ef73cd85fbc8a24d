// What a cluster says of all its days, young ones included: the same before its ClickHouse was lost and when its topic was
// folded again (D2, D6, D7).
package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wholeCluster is what reports over all days and the ledger say.
type wholeCluster struct {
	dates   string
	answers map[string][]reportRow
	account ledger
}

// wholeCluster asks when nothing is pending.
func (c *archivedCluster) wholeCluster(days []archivedDay) wholeCluster {
	c.t.Helper()
	w := wholeCluster{dates: fmt.Sprintf(`"dateRanges":[{"startDate":%q,"endDate":%q}]`, days[0].Day, time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)),
		account: waitStored(c.t, c.apis[0].URL, c.credentials, 1), answers: map[string][]reportRow{}}
	for _, question := range reportsOver(w.dates) {
		w.answers[question] = ask(c.t, c.apis[0].URL, c.credentials, question).Rows
	}
	last := days[len(days)-1].Day
	young := 0
	for _, row := range w.answers[reportsOver(w.dates)[1]] { // by date
		if day, err := time.Parse("20060102", row.Dimensions[0]); err == nil && day.Format(time.DateOnly) > last {
			young++
		}
	}
	if w.account.Pending != 0 || !w.account.Balanced || young < 3 {
		c.t.Fatalf("%d days are behind those that are archived, and the ledger is %+v: the test proves too little", young, w.account)
	}
	return w
}

// checkWhole waits until all is folded again, and compares.
func (c *archivedCluster) checkWhole(ctx context.Context, want wholeCluster) {
	c.t.Helper()
	account := waitStored(c.t, c.apis[0].URL, c.credentials, want.account.Stored)
	if diff := cmp.Diff(want.account, account); diff != "" {
		c.t.Errorf("ledger (- before the loss, + afterwards):\n%s", diff)
	}
	c.waitKept(ctx, c.processors[0].URL)
	for question, rows := range want.answers {
		if diff := cmp.Diff(rows, ask(c.t, c.apis[0].URL, c.credentials, question).Rows); diff != "" {
			c.t.Errorf("%s (- before the loss, + afterwards):\n%s", question, diff)
		}
	}
}
