// S35: revenue is in the property's currency, what is in others is named.
package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/store"
)

// till is a shop of euros that others also pay into.
func till() *fakeStore {
	s := &fakeStore{}
	for i, sale := range []struct {
		name, currency string
		micros         int64
	}{
		{"purchase", "EUR", 30_000_000}, {"purchase", "SEK", 500_000_000}, {"refund", "EUR", 10_000_000},
		{"ad_impression", "EUR", 250_000}, {"purchase", store.NotSet, 0}, {"page_view", "CHF", 1_000_000},
	} {
		s.events = append(s.events, fakeEvent{client: "ann", micros: sale.micros,
			at:   time.Date(2026, time.March, 2, 10, i, 0, 0, time.UTC),
			text: map[store.Column]string{store.ColName: sale.name, store.ColCurrency: sale.currency, store.ColPath: "/p"}})
	}
	return s
}

func TestS35RevenueIsInThePropertysCurrencyAndNamesOthers(t *testing.T) {
	s := till()
	q := ask("pagePath", "purchaseRevenue totalRevenue transactions ecommercePurchases", march(2, 2))
	q.Aggregations = []Aggregation{Total}
	got := run(t, s, q)
	wantLines(t, got.Rows, "/p 20 20.25 3 3")
	wantLines(t, got.Totals, "20 20.25 3 3")
	if diff := cmp.Diff([]string{"SEK"}, got.Meta.OtherCurrencies); diff != "" {
		t.Error(diff)
	}
	if len(s.plans) != 2 { // one for rows, one for the total
		t.Errorf("money took %d plans, want 2", len(s.plans))
	}
}

func TestS35CountsOfPurchasesLeaveNoCurrencyOut(t *testing.T) {
	got := run(t, till(), ask("", "transactions", march(2, 2)))
	wantLines(t, got.Rows, "3")
	if len(got.Meta.OtherCurrencies) != 0 {
		t.Errorf("%v are left out of a count", got.Meta.OtherCurrencies)
	}
}

func TestRowsWithoutMoneyAreKeptWhenAskedFor(t *testing.T) {
	q := ask("eventName", "purchaseRevenue", march(2, 2))
	wantLines(t, run(t, till(), q).Rows, "purchase 30", "refund -10")
	q.KeepEmptyRows = true
	wantLines(t, run(t, till(), q).Rows, "purchase 30", "ad_impression 0", "page_view 0", "refund -10")
}
