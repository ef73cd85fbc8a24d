// Pages: what each property shows, and the params of what is done there.
package traffic

import (
	"fmt"

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
	case p.item != nil: // pages that sell something have a query already
		return p.url + "&" + query
	}
	return p.url + "?" + query
}

// pagesOf makes n pages: the first is the home page, most others sell something.
func pagesOf(p Property, n int) []page {
	topics := []string{"lamps", "chairs", "tables", "shelves", "rugs", "clocks", "mirrors"}
	pages := make([]page, n)
	for i := range pages {
		topic := topics[i%len(topics)]
		switch {
		case i == 0:
			pages[i] = page{url: "https://" + p.Host + "/", title: "Home"}
		case i%10 == 1:
			pages[i] = page{
				url:   fmt.Sprintf("https://%s/%s/", p.Host, topic),
				title: "All " + topic,
			}
		case i%10 == 2:
			pages[i] = page{
				url:   fmt.Sprintf("https://%s/journal/%s-%d", p.Host, topic, i),
				title: fmt.Sprintf("What we like about %s, part %d", topic, i),
			}
		default:
			id := fmt.Sprintf("%s-%d", topic, i)
			pages[i] = page{
				url:   fmt.Sprintf("https://%s/%s/%s?color=%d", p.Host, topic, id, i%5),
				title: fmt.Sprintf("%s no. %d", topic, i),
				item: []*event.Param{
					event.TextParam("item_id", id), event.TextParam("item_category", topic),
				},
				price: int64(5+scramble(uint64(i))%245)*1e6 + 990000,
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
