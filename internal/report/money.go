// Money: revenue is that of events of certain names in the property's currency;
// what is in others is left out and said (S35).
package report

import (
	"context"
	"maps"
	"slices"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

// moneyKind is what an event that carries money stands for.
type moneyKind uint8

const (
	purchased moneyKind = iota + 1
	refunded
	advertised
)

// moneyEvents are GA4's names of events that revenue is made of.
func moneyEvents() map[string]moneyKind {
	return map[string]moneyKind{
		"purchase": purchased, "ecommerce_purchase": purchased, "in_app_purchase": purchased,
		"app_store_subscription_convert": purchased, "app_store_subscription_renew": purchased,
		"refund": refunded, "ad_impression": advertised,
	}
}

// collectMoney adds the parts of money to g. One plan serves them all: rows are
// told apart by name and currency, and what is counted adds up.
func (x *execution) collectMoney(ctx context.Context, qn *question, s span, where predicate, g *groups) error {
	name, currency := store.Dimension{Column: store.ColName}, store.Dimension{Column: store.ColCurrency}
	kinds, layout := moneyEvents(), layoutOf(s, qn.columns)
	n := len(layout.dims)
	dims := append(slices.Clone(layout.dims), name, currency)
	plan := qn.plan(s, store.Events, dims, nil, where.and(oneOf(name, slices.Collect(maps.Keys(kinds)))))
	plan.Aggregates = []store.Aggregate{{Op: store.Count}, {Op: store.Sum, Column: store.ColValueMicros}}
	rows, err := x.run(ctx, qn, plan)
	if err != nil {
		return err
	}
	for r, values := range rows.Dimensions {
		m := money{name: values[n], kind: kinds[values[n]], currency: values[n+1],
			own: qn.query.Property.Currency, count: rows.Aggregates[r][0], micros: rows.Aggregates[r][1]}
		m.addTo(&g.at(layout.texts(values[:n])).parts)
		if m.left() && slices.ContainsFunc(qn.moneyParts, catalog.Part.Revenue) {
			g.foreign[m.currency] = true
		}
	}
	return nil
}

// money is what some events of one name and currency carry together.
type money struct {
	name, currency, own string
	kind                moneyKind
	count, micros       int64
}

// left tells whether the money is left out of revenue because of its currency.
func (m *money) left() bool { return m.currency != m.own && m.currency != store.NotSet }

func (m *money) addTo(parts *[catalog.NumParts]int64) {
	if m.name == "purchase" {
		parts[catalog.Purchases] += m.count
	}
	if m.kind != advertised && m.currency != store.NotSet {
		parts[catalog.Transactions] += m.count
	}
	if m.currency != m.own {
		return
	}
	switch m.kind {
	case purchased:
		parts[catalog.PurchaseMicros] += m.micros
	case refunded:
		parts[catalog.RefundMicros] += m.micros
	case advertised:
		parts[catalog.AdMicros] += m.micros
	}
}

// otherCurrencies lists the currencies of all money left out.
func otherCurrencies(tables []*table) []string {
	all := map[string]bool{}
	for _, t := range tables {
		maps.Copy(all, t.foreign)
	}
	return slices.Sorted(maps.Keys(all))
}
