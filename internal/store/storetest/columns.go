// Columns: what each column is of a row, and which relation has it.
package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// eventTexts are the texts that only events have.
func eventTexts(e *store.EventRow) map[store.Column]string {
	return map[store.Column]string{
		store.ColName: e.Name, store.ColHost: e.Host, store.ColPath: e.Path, store.ColQuery: e.Query,
		store.ColTitle: e.Title, store.ColReferrer: e.Referrer, store.ColUserID: e.UserID,
		store.ColVerdict: e.Verdict, store.ColLanguage: e.Language, store.ColScreen: e.Screen,
		store.ColCountry: e.Country, store.ColRegion: e.Region, store.ColCity: e.City,
		store.ColCategory: e.Category, store.ColBrowser: e.Browser, store.ColOS: e.OS,
		store.ColOSMajor: e.OSMajor, store.ColEventSource: e.Source, store.ColEventMedium: e.Medium,
		store.ColEventCampaign: e.Campaign, store.ColCurrency: e.Currency,
	}
}

// sharedTexts are the session's texts that its events have too.
func sharedTexts(s *store.SessionRow) map[store.Column]string {
	return map[store.Column]string{
		store.ColSource: s.Source, store.ColMedium: s.Medium, store.ColCampaign: s.Campaign,
		store.ColChannel: s.Channel, store.ColLandingHost: s.LandingHost,
		store.ColLandingPath: s.LandingPath, store.ColLandingQuery: s.LandingQuery,
		store.ColExitPath: s.ExitPath, store.ColNewVsReturning: s.NewVsReturning,
		store.ColFirstUserSource: s.FirstUserSource, store.ColFirstUserMedium: s.FirstUserMedium,
		store.ColFirstUserCampaign: s.FirstUserCampaign, store.ColFirstUserChannel: s.FirstUserChannel,
	}
}

// sessionTexts are the texts of sessions themselves.
func sessionTexts(s *store.SessionRow) map[store.Column]string {
	m := sharedTexts(s)
	for c, v := range map[store.Column]string{
		store.ColUserID: s.UserID, store.ColVerdict: s.Verdict, store.ColLanguage: s.Language,
		store.ColScreen: s.Screen, store.ColCountry: s.Country, store.ColRegion: s.Region,
		store.ColCity: s.City, store.ColCategory: s.Category, store.ColBrowser: s.Browser,
		store.ColOS: s.OS, store.ColOSMajor: s.OSMajor,
	} {
		m[c] = v
	}
	return m
}

// check refuses columns that p's relation does not have.
func check(p *store.Plan) error {
	for _, d := range p.Dimensions {
		if err := checkDimension(p, d); err != nil {
			return err
		}
	}
	for _, a := range p.Aggregates {
		if err := checkAggregate(p, a); err != nil {
			return err
		}
	}
	return checkPredicate(p, p.Filter)
}

func checkDimension(p *store.Plan, d store.Dimension) error {
	ok := false
	_, shared := sharedTexts(&store.SessionRow{})[d.Column]
	_, ofEvent := eventTexts(&store.EventRow{})[d.Column]
	_, ofSession := sessionTexts(&store.SessionRow{})[d.Column]
	switch {
	case d.Column == store.ColTime:
		ok = d.Bucket != store.NoBucket
	case p.Relation == store.Sessions:
		ok = ofSession
	default:
		ok = shared || ofEvent || d.Column == store.ColParam
	}
	if !ok {
		return fmt.Errorf("%w: dimension %s", store.ErrUnsupported, d.Column)
	}
	return nil
}

func checkAggregate(p *store.Plan, a store.Aggregate) error {
	numbers := []store.Column{store.ColDurationMicros, store.ColSessionEvents, store.ColSessionViews,
		store.ColSessionKeyEvent, store.ColSessionRevenue}
	truths := []store.Column{store.ColEngaged}
	if p.Relation == store.Events {
		numbers = []store.Column{store.ColEngagementMS, store.ColValueMicros}
		truths = []store.Column{store.ColActive, store.ColPageView, store.ColKeyEvent, store.ColFirstEvent}
	}
	in := func(c store.Column, list []store.Column) bool {
		for _, x := range list {
			if x == c {
				return true
			}
		}
		return false
	}
	if a.Op == store.Sum && !in(a.Column, numbers) || a.Where != "" && !in(a.Where, truths) ||
		a.Op == store.DistinctUsers && p.Relation != store.Events {
		return fmt.Errorf("%w: aggregate %+v", store.ErrUnsupported, a)
	}
	return nil
}

func checkPredicate(p *store.Plan, f *store.Predicate) error {
	if f == nil {
		return nil
	}
	if f.Leaf != nil {
		if err := checkLeaf(f.Leaf); err != nil {
			return err
		}
		return checkDimension(p, f.Leaf.Dimension)
	}
	for _, list := range [][]*store.Predicate{f.And, f.Or, {f.Not}} {
		for _, sub := range list {
			if err := checkPredicate(p, sub); err != nil {
				return err
			}
		}
	}
	return nil
}

// dimension is the text of d for r. Bytes that are no UTF-8 read as U+FFFD.
func dimension(d store.Dimension, p *store.Plan, r row) string {
	return strings.ToValidUTF8(rawDimension(d, p, r), "\uFFFD")
}

func rawDimension(d store.Dimension, p *store.Plan, r row) string {
	switch {
	case d.Column == store.ColTime:
		return bucket(d.Bucket, r.time, p)
	case r.event == nil:
		return sessionTexts(r.session)[d.Column]
	case d.Column == store.ColParam:
		return param(r.event.Params, d.Param)
	}
	if v, ok := eventTexts(r.event)[d.Column]; ok {
		return v
	}
	if r.session == nil {
		return store.NotSet
	}
	return sharedTexts(r.session)[d.Column]
}

func param(params, key string) string {
	if params == "" {
		return store.NotSet
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(params), &object); err != nil {
		panic("BUG: params are no JSON object: " + params)
	}
	raw, ok := object[key]
	if !ok || string(raw) == "null" {
		return store.NotSet
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// bucket writes local time.
func bucket(b store.Bucket, t event.Time, p *store.Plan) string {
	if b == store.MinutesAgo {
		return fmt.Sprintf("%02d", max(0, int64(p.Anchor-t)/60_000_000))
	}
	var offset int64
	for i, step := range p.Zone {
		if i == 0 || t >= step.At {
			offset = step.Offset
		}
	}
	local := time.UnixMicro(int64(t) + offset).UTC()
	since := map[store.Bucket]time.Weekday{store.Week: time.Sunday, store.ISOWeek: time.Monday}
	if first, ok := since[b]; ok {
		for local.Weekday() != first {
			local = local.AddDate(0, 0, -1)
		}
	}
	layouts := map[store.Bucket]string{store.Date: "20060102", store.DateHour: "2006010215",
		store.Hour: "15", store.DateMinute: "200601021504",
		store.Year: "2006", store.Month: "200601", store.Week: "20060102", store.ISOWeek: "20060102"}
	return local.Format(layouts[b])
}

func truth(c store.Column, r row) bool {
	switch c {
	case store.ColActive:
		return r.event.Active
	case store.ColPageView:
		return r.event.PageView
	case store.ColKeyEvent:
		return r.event.KeyEvent
	case store.ColFirstEvent:
		return r.session != nil && r.session.HasFirst && r.session.FirstEvent == r.event.Row &&
			r.event.Sub == 0
	}
	return r.session.Engaged
}

func number(c store.Column, r row) int64 {
	switch c {
	case store.ColEngagementMS:
		return r.event.EngagementMS
	case store.ColValueMicros:
		return r.event.ValueMicros
	case store.ColDurationMicros:
		return int64(r.session.End - r.session.Start)
	case store.ColSessionEvents:
		return r.session.Events
	case store.ColSessionViews:
		return r.session.Views
	case store.ColSessionKeyEvent:
		return r.session.KeyEvents
	}
	return r.session.RevenueMicros
}
