// Columns: how a dimension of the answer is made of dimensions of the store.
package report

import (
	"strings"
	"time"

	"tidemark/internal/catalog"
	"tidemark/internal/store"
)

// column is one dimension of the answer.
type column struct {
	name string
	// dims are what the store groups by; render makes the text of their values
	// in a range that begins at an instant of local time.
	dims   []store.Dimension
	render func(values []string, first time.Time) string
	// plain: one store dimension, whose text is the column's text.
	plain bool
	// codes, if set, are the only stored values whose text is not that of a
	// missing one, so that filters can be turned into lists of them.
	codes []string
	// rangeName: not a fact of rows but the name of the date range.
	rangeName bool
	// ofEvents: some fact is of single events (S21).
	ofEvents bool
	// realtimeOnly is the name of a dimension that needs a moment of asking.
	realtimeOnly string
}

// storeDimensions says where each fact lies.
func storeDimensions() map[catalog.Fact]store.Dimension {
	bucket := func(b store.Bucket) store.Dimension {
		return store.Dimension{Column: store.ColTime, Bucket: b}
	}
	col := func(c store.Column) store.Dimension { return store.Dimension{Column: c} }
	return map[catalog.Fact]store.Dimension{
		catalog.LocalDate:       bucket(store.Date),
		catalog.LocalDateHour:   bucket(store.DateHour),
		catalog.LocalYear:       bucket(store.Year),
		catalog.LocalMonth:      bucket(store.Month),
		catalog.LocalWeek:       bucket(store.Week),
		catalog.LocalISOWeek:    bucket(store.ISOWeek),
		catalog.LocalHour:       bucket(store.Hour),
		catalog.LocalDateMinute: bucket(store.DateMinute),
		catalog.MinutesAgo:      bucket(store.MinutesAgo),

		catalog.EventName:  col(store.ColName),
		catalog.CurrencyOf: col(store.ColCurrency),
		catalog.Host:       col(store.ColHost),
		catalog.Path:       col(store.ColPath),
		catalog.QueryText:  col(store.ColQuery),
		catalog.Title:      col(store.ColTitle),
		catalog.Referrer:   col(store.ColReferrer),
		catalog.Param:      col(store.ColParam),

		catalog.Country:    col(store.ColCountry),
		catalog.Region:     col(store.ColRegion),
		catalog.City:       col(store.ColCity),
		catalog.Language:   col(store.ColLanguage),
		catalog.Screen:     col(store.ColScreen),
		catalog.DeviceKind: col(store.ColCategory),
		catalog.Browser:    col(store.ColBrowser),
		catalog.System:     col(store.ColOS),
		catalog.SystemMain: col(store.ColOSMajor),

		catalog.SessionSource:   col(store.ColSource),
		catalog.SessionMedium:   col(store.ColMedium),
		catalog.SessionCampaign: col(store.ColCampaign),
		catalog.SessionChannel:  col(store.ColChannel),
		catalog.LandingPath:     col(store.ColLandingPath),
		catalog.LandingQuery:    col(store.ColLandingQuery),
		catalog.NewVsReturning:  col(store.ColNewVsReturning),

		catalog.FirstUserSource:   col(store.ColFirstUserSource),
		catalog.FirstUserMedium:   col(store.ColFirstUserMedium),
		catalog.FirstUserCampaign: col(store.ColFirstUserCampaign),
		catalog.FirstUserChannel:  col(store.ColFirstUserChannel),
	}
}

// columnOf makes the column of a catalog dimension.
func (e *Engine) columnOf(d catalog.Dimension) column {
	c := column{
		name: d.Name, ofEvents: d.Scope == catalog.Event, rangeName: d.Scope == catalog.Query,
		plain: d.Form == catalog.Plain && d.Scope != catalog.Query,
	}
	if d.RealtimeOnly {
		c.realtimeOnly = d.Name
	}
	if c.rangeName {
		return c
	}
	for _, fact := range d.Facts {
		dim, ok := e.facts[fact]
		if !ok {
			panic("BUG: no store column for fact " + string(fact))
		}
		dim.Param = d.Param
		c.dims = append(c.dims, dim)
	}
	c.render = renderOf(d.Form)
	switch d.Form {
	case catalog.NameOfCountry, catalog.NameOfContinent, catalog.IDOfContinent:
		c.codes = e.countries
	}
	return c
}

func renderOf(f catalog.Form) func([]string, time.Time) string {
	if nth := nthOf(f); nth != nil {
		return nth
	}
	plain := plainRenderOf(f)
	return func(v []string, _ time.Time) string { return plain(v) }
}

// plainRenderOf joins texts for forms that are the same in every range.
func plainRenderOf(f catalog.Form) func([]string) string {
	if part := datePartOf(f); part != nil {
		return part
	}
	switch f {
	case catalog.PathAndQuery:
		return func(v []string) string { return pathAndQuery(v[0], v[1]) }
	case catalog.HostPathAndQuery:
		return func(v []string) string {
			if v[0] == store.NotSet {
				return pathAndQuery(v[1], v[2])
			}
			return v[0] + pathAndQuery(v[1], v[2])
		}
	case catalog.SlashPair:
		return func(v []string) string { return v[0] + " / " + v[1] }
	case catalog.SpacePair:
		return func(v []string) string { return v[0] + " " + v[1] }
	case catalog.NameOfCountry:
		return func(v []string) string { return catalog.CountryName(v[0]) }
	case catalog.NameOfContinent:
		return func(v []string) string { return catalog.ContinentName(v[0]) }
	case catalog.IDOfContinent:
		return func(v []string) string { return catalog.ContinentID(v[0]) }
	case catalog.NameOfLanguage:
		return func(v []string) string { return catalog.LanguageName(v[0]) }
	}
	return func(v []string) string { return v[0] }
}

func pathAndQuery(path, query string) string {
	if query == "" || query == store.NotSet {
		return path
	}
	return path + "?" + query
}

// expression makes the column of r, which may be an expression over dimensions.
func (e *Engine) expression(field string, r DimensionRef) (column, error) {
	set := 0
	for _, given := range []bool{r.LowerCase != "", r.UpperCase != "", len(r.Concatenate) > 0} {
		if given {
			set++
		}
	}
	switch {
	case set > 1:
		return column{}, invalid(field, "a dimension expression is one of lowerCase, upperCase and concatenate")
	case r.Name == "":
		return column{}, invalid(field+".name", "a dimension needs a name")
	case set == 0:
		return e.named(field+".name", r.Name)
	case r.LowerCase != "":
		return e.mapped(field, r.Name, r.LowerCase, strings.ToLower)
	case r.UpperCase != "":
		return e.mapped(field, r.Name, r.UpperCase, strings.ToUpper)
	}
	return e.concatenated(field, r)
}

func (e *Engine) named(field, name string) (column, error) {
	d, err := e.catalog.Dimension(name)
	if err != nil {
		return column{}, invalidName(field, err)
	}
	return e.columnOf(d), nil
}

func (e *Engine) mapped(field, name, of string, change func(string) string) (column, error) {
	base, err := e.inner(field, of)
	if err != nil {
		return column{}, err
	}
	c := base
	c.name, c.plain = name, false
	c.render = func(v []string, first time.Time) string { return change(base.render(v, first)) }
	return c, nil
}

func (e *Engine) concatenated(field string, r DimensionRef) (column, error) {
	if len(r.Concatenate) > MaxConcatenated {
		return column{}, invalid(field, "concatenate takes at most %d dimensions", MaxConcatenated)
	}
	c := column{name: r.Name}
	parts := make([]column, len(r.Concatenate))
	for i, of := range r.Concatenate {
		base, err := e.inner(field, of)
		if err != nil {
			return column{}, err
		}
		parts[i] = base
		c.dims = append(c.dims, base.dims...)
		c.ofEvents = c.ofEvents || base.ofEvents
		if base.realtimeOnly != "" {
			c.realtimeOnly = base.realtimeOnly
		}
	}
	c.render = func(v []string, first time.Time) string {
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = p.render(v[:len(p.dims)], first)
			v = v[len(p.dims):]
		}
		return strings.Join(texts, r.Delimiter)
	}
	return c, nil
}

func (e *Engine) inner(field, name string) (column, error) {
	c, err := e.named(field+".dimensionExpression", name)
	if err == nil && c.rangeName {
		return column{}, invalid(field+".dimensionExpression", "%s cannot be part of an expression", name)
	}
	return c, err
}
