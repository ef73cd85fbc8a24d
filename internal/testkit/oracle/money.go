// Money: revenue event by event (S35).
package oracle

import (
	"maps"
	"slices"
)

func moneyMetrics() map[string]metric {
	revenue := func(sign func(name string) int64) metric {
		return metric{readsRows: true, of: func(g *group) float64 {
			micros := int64(0)
			for _, r := range g.rows {
				if r.currency == g.currency {
					micros += sign(r.name) * r.valueMicros
				}
			}
			return float64(micros) / 1e6
		}}
	}
	count := func(counts func(*row) bool) metric {
		return metric{readsRows: true, of: func(g *group) float64 {
			n := 0.0
			for _, r := range g.rows {
				if counts(r) {
					n++
				}
			}
			return n
		}}
	}
	return map[string]metric{
		"purchaseRevenue": revenue(purchaseSign),
		"totalRevenue": revenue(func(name string) int64 {
			if name == "ad_impression" {
				return 1
			}
			return purchaseSign(name)
		}),
		"transactions": count(func(r *row) bool {
			return purchaseSign(r.name) != 0 && r.currency != notSet
		}),
		"ecommercePurchases": count(func(r *row) bool { return r.name == "purchase" }),
	}
}

// purchaseSign is how an event's value counts in revenue of purchases.
func purchaseSign(name string) int64 {
	switch name {
	case "purchase", "ecommerce_purchase", "in_app_purchase",
		"app_store_subscription_convert", "app_store_subscription_renew":
		return 1
	case "refund":
		return -1
	}
	return 0
}

// otherCurrencies lists the currencies of what a metric of revenue leaves out.
func (a *answer) otherCurrencies() ([]string, error) {
	if !slices.ContainsFunc(a.visibleOrNot(), func(name string) bool {
		return name == "purchaseRevenue" || name == "totalRevenue"
	}) {
		return nil, nil
	}
	found := map[string]bool{}
	for _, in := range a.ranges {
		groups, err := a.gather(in, nil)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			for _, r := range g.rows {
				carries := purchaseSign(r.name) != 0 || r.name == "ad_impression"
				if carries && r.currency != notSet && r.currency != g.currency {
					found[r.currency] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// visibleOrNot names the metrics of the question.
func (a *answer) visibleOrNot() []string {
	var names []string
	for _, m := range a.query.Metrics {
		names = append(names, m.Name)
	}
	return names
}
