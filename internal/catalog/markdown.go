// Markdown: the reference text of the catalog.
package catalog

import (
	"fmt"
	"strings"
)

// Markdown prints docs/reference/catalog.md.
func (c *Catalog) Markdown() string {
	var b strings.Builder
	b.WriteString(`# Dimensions and metrics

<!-- Generated from internal/catalog by ` + "`go generate ./internal/catalog`" + `. Do not edit. -->

What reports can ask for, by the names of the GA4 Data API. A scope says whose fact a
dimension is: with a dimension or filter of events, session metrics count the distinct
sessions of the matching events; otherwise a session counts once, where it began.
A missing value reads "(not set)".

## Dimensions

| name | shown as | scope | category | meaning |
|---|---|---|---|---|
`)
	for _, d := range c.dimensions {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", d.Name, d.UIName, d.Scope, d.Category, d.Description)
	}
	fmt.Fprintf(&b, "| `%s<key>` | the key | event | Custom | The value of the event parameter of that key, as text. |\n",
		CustomEventPrefix)
	b.WriteString(`
Dimension expressions ` + "(`lowerCase`, `upperCase`, `concatenate`)" + ` may be made of any of them but
` + "`dateRange`" + `.

## Metrics

| name | shown as | scope | type | computed as | meaning |
|---|---|---|---|---|---|
`)
	for _, m := range c.metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", m.Name, m.UIName, m.Scope, m.Type, m.formula(), m.Description)
	}
	b.WriteString(`
Ratios are divided once, from whole numbers; a ratio over nothing is 0.
`)
	return b.String()
}

func (m Metric) formula() string {
	text := m.Plus.String()
	if m.Also != NoPart {
		text += " + " + m.Also.String()
	}
	if m.Minus != NoPart {
		text = fmt.Sprintf("(%s - %s)", text, m.Minus)
	}
	if m.Unit != 0 {
		text += fmt.Sprintf(" / %.0f", m.Unit)
	}
	if m.Over != NoPart {
		text += " / " + m.Over.String()
	}
	return text
}

// String says what the part counts.
func (p Part) String() string {
	return [NumParts]string{
		NoPart: "nothing", Events: "events", Views: "views", KeyEvents: "key events",
		EngagementMillis: "milliseconds of engagement", ValueMicros: "value in millionths",
		Users: "distinct users", ActiveUsers: "distinct users of active events", NewUsers: "first events of clients",
		PurchaseMicros: "purchases in millionths", AdMicros: "advertisements in millionths",
		RefundMicros: "refunds in millionths", Transactions: "transactions", Purchases: "purchase events",
		Sessions: "sessions", EngagedSessions: "engaged sessions", SessionMicros: "microseconds of sessions",
	}[p]
}
