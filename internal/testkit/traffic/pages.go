// Pages: what each property shows, and the params of what is done there.
package traffic

import (
	"fmt"
	"strings"

	"tidemark/internal/event"
)

// page is one page of a property. Its texts and params are shared by all
// events that happen on it.
type page struct {
	url, title string
	item       []*event.Param // of view_item and add_to_cart; nil if it sells nothing
	price      int64          // micros
}

// landingURL is the page's URL as an origin links to it.
func (p *page) landingURL(query string) string {
	switch {
	case query == "":
		return p.url
	case strings.Contains(p.url, "?"):
		return p.url + "&" + query
	}
	return p.url + "?" + query
}

// pagesOf returns the pages of a property: its own, or n made up.
func pagesOf(p Property, n int) []page {
	list := p.Pages
	if list == nil {
		list = madeUpPages(n)
	}
	pages := make([]page, len(list))
	for i, v := range list {
		pages[i] = page{url: "https://" + p.Host + v.Path, title: v.Title, price: v.PriceMicros}
		if v.Item != "" {
			pages[i].item = []*event.Param{
				event.TextParam("item_id", v.Item), event.TextParam("item_category", v.Category),
			}
		}
	}
	return pages
}

// madeUpPages are n pages: the first is the home page, most others sell something.
func madeUpPages(n int) []Page {
	topics := []string{"lamps", "chairs", "tables", "shelves", "rugs", "clocks", "mirrors"}
	pages := make([]Page, n)
	for i := range pages {
		topic := topics[i%len(topics)]
		switch {
		case i == 0:
			pages[i] = Page{Path: "/", Title: "Home"}
		case i%10 == 1:
			pages[i] = Page{Path: fmt.Sprintf("/%s/", topic), Title: "All " + topic}
		case i%10 == 2:
			pages[i] = Page{
				Path:  fmt.Sprintf("/journal/%s-%d", topic, i),
				Title: fmt.Sprintf("What we like about %s, part %d", topic, i),
			}
		default:
			pages[i] = Page{
				Path:  fmt.Sprintf("/%s/%s-%d?color=%d", topic, topic, i, i%5),
				Title: fmt.Sprintf("%s no. %d", topic, i),
				Item:  fmt.Sprintf("%s-%d", topic, i), Category: topic,
				PriceMicros: int64(5+scramble(uint64(i))%245)*1e6 + 990000,
			}
		}
	}
	return pages
}

// commonParams are the params of events that have the same on every page.
type commonParams struct{ scroll, click, search []*event.Param }

func newCommonParams() commonParams {
	return commonParams{
		scroll: []*event.Param{event.IntegerParam("percent_scrolled", 90)},
		click: []*event.Param{
			event.TextParam("link_url", "https://partner.example.org/"), event.BooleanParam("outbound", true),
		},
		search: []*event.Param{event.TextParam("search_term", "small lamp")},
	}
}
