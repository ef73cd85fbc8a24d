// Keep: what of one event outlives its record in the client's.
package fold

import (
	"strings"

	"tidemark/internal/event"
)

// kept is the place of the event that is being applied, and its page if it is a page
// view: made when the first sum wants one of them, and shared by all that do. They
// never change afterwards. Most events change neither first nor last of anything.
type kept struct {
	place *Place
	page  *Page
}

// viewed is what a page view leaves: one piece of memory, for it has one life.
type viewed struct {
	page  Page
	place Place
}

// keep returns what may be kept of e, whose facts are in f.facts.
func (f *Fold) keep(e *event.Event) *kept {
	k := &f.kept
	if k.place != nil {
		return k
	}
	if e.Name != "page_view" {
		k.place = &Place{EventTime: e.EventTime, Index: e.Index, Key: strings.Clone(e.Key)}
		return k
	}
	v := &viewed{}
	k.page, k.place = &v.page, &v.place
	// One copy for all texts. Paths are not interned: a site may have more than an
	// interner holds, and looking for them costs more than the few bytes.
	path, query := f.facts.Path, f.facts.Query
	var texts strings.Builder
	texts.Grow(len(e.Key) + len(path) + len(query))
	texts.WriteString(e.Key)
	texts.WriteString(path)
	texts.WriteString(query)
	all := texts.String()
	v.place.EventTime, v.place.Index, v.place.Key = e.EventTime, e.Index, all[:len(e.Key)]
	all = all[len(e.Key):]
	v.page.Place, v.page.Host = &v.place, f.names.get(f.facts.Host)
	v.page.Path, v.page.Query = all[:len(path)], all[len(path):]
	return k
}
