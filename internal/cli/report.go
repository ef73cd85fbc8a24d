// report: any report of the Data API as a table in the terminal.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

type reportCmd struct {
	server
	output
	Dimensions []string `short:"d" help:"Dimensions, such as pagePath,country." placeholder:"NAME,..."`
	Metrics    []string `short:"m" help:"Metrics." default:"activeUsers,sessions,screenPageViews,eventCount" placeholder:"NAME,..."`
	From       string   `help:"First day: YYYY-MM-DD, today, yesterday or 7daysAgo." default:"27daysAgo" placeholder:"DAY"`
	To         string   `help:"Last day." default:"today" placeholder:"DAY"`
	Filter     []string `short:"f" help:"Condition, such as country==Norway, pagePath=^/shop or sessions>10; || between alternatives; all that are given must hold." sep:"none" placeholder:"COND"`
	Order      string   `short:"o" help:"Sort by these; -name is descending (default: date ascending, else first metric descending)." placeholder:"NAME,..."`
	Limit      int      `short:"n" help:"Rows." default:"25"`
	Offset     int      `help:"Rows to leave out first."`
	NoTotal    bool     `help:"Leave the line of totals out."`
	KeepEmpty  bool     `help:"Keep rows in which all metrics are 0."`
	Realtime   bool     `help:"The last 30 minutes instead of days."`
}

// answer is what the report API returns, as far as a table shows it.
type answer struct {
	DimensionHeaders []header `json:"dimensionHeaders"`
	MetricHeaders    []header `json:"metricHeaders"`
	Rows             []row    `json:"rows"`
	Totals           []row    `json:"totals"`
	RowCount         int      `json:"rowCount"`
	Metadata         metadata `json:"metadata"`
}

type header struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type row struct {
	DimensionValues []value `json:"dimensionValues"`
	MetricValues    []value `json:"metricValues"`
}

type value struct {
	Value string `json:"value"`
}

type metadata struct {
	TimeZone     string    `json:"timeZone"`
	CurrencyCode string    `json:"currencyCode"`
	Tidemark     freshness `json:"tidemark"`
}

func (c *reportCmd) Run(ctx context.Context, env *Env) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	cl, err := c.client(ctx)
	if err != nil {
		return err
	}
	method := ":runReport"
	if c.Realtime {
		method = ":runRealtimeReport"
	}
	text, err := cl.ask(ctx, http.MethodPost, cl.path("/v1beta/properties/", method), request)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintln(env.Stdout, strings.TrimSpace(string(text)))
		return err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("read report: %w", err)
	}
	return drawReport(env.Stdout, terminalOf(env.Stdout), a)
}

// request builds the body of runReport.
func (c *reportCmd) request() (map[string]any, error) {
	if len(c.Metrics) == 0 {
		return nil, usagef("--metrics: name at least one")
	}
	if c.Limit < 1 {
		return nil, usagef("--limit: must be at least 1")
	}
	request := map[string]any{
		"metrics": named(c.Metrics),
		"limit":   fmt.Sprint(c.Limit),
	}
	if len(c.Dimensions) > 0 {
		request["dimensions"] = named(c.Dimensions)
	}
	if !c.NoTotal && len(c.Dimensions) > 0 {
		request["metricAggregations"] = []string{"TOTAL"}
	}
	if !c.Realtime {
		request["dateRanges"] = []map[string]string{{"startDate": c.From, "endDate": c.To}}
		if c.Offset > 0 {
			request["offset"] = fmt.Sprint(c.Offset)
		}
		if c.KeepEmpty {
			request["keepEmptyRows"] = true
		}
	}
	if orders := c.orders(); len(orders) > 0 {
		request["orderBys"] = orders
	}
	return request, c.addFilters(request)
}

func named(names []string) []map[string]string {
	out := make([]map[string]string, len(names))
	for i, name := range names {
		out[i] = map[string]string{"name": name}
	}
	return out
}

// orders returns orderBys. A report by time reads from top to bottom.
func (c *reportCmd) orders() []map[string]any {
	var order []string
	if c.Order != "" {
		order = strings.Split(c.Order, ",")
	} else {
		for _, d := range c.Dimensions {
			if slices.Contains([]string{"date", "dateHour", "hour", "dateHourMinute", "minutesAgo"}, d) {
				order = append(order, d)
			}
		}
	}
	if len(order) == 0 {
		order = []string{"-" + c.Metrics[0]}
	}
	var out []map[string]any
	for _, o := range order {
		name, desc := strings.CutPrefix(o, "-")
		by := map[string]any{}
		if slices.Contains(c.Metrics, name) {
			by["metric"] = map[string]string{"metricName": name}
		} else {
			by["dimension"] = map[string]string{"dimensionName": name}
		}
		if desc {
			by["desc"] = true
		}
		out = append(out, by)
	}
	return out
}

// addFilters sorts the conditions into dimensionFilter and metricFilter.
func (c *reportCmd) addFilters(request map[string]any) error {
	kinds := map[string][]any{}
	for _, text := range c.Filter {
		kind, expression, err := parseFilter(text, c.Metrics)
		if err != nil {
			return err
		}
		kinds[kind] = append(kinds[kind], expression)
	}
	for kind, expressions := range kinds {
		request[kind] = group("andGroup", expressions)
	}
	return nil
}

// group joins expressions; one alone needs no group.
func group(name string, expressions []any) any {
	if len(expressions) == 1 {
		return expressions[0]
	}
	return map[string]any{name: map[string]any{"expressions": expressions}}
}
