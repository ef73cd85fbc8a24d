// Campaign parameters that a sender gives outside the page's address.
package wire

import "tidemark/internal/event"

// SetCampaign sets the part of c that has this name; others are ignored.
func SetCampaign(c *event.Campaign, name, text string) {
	switch name {
	case "source":
		c.Source = text
	case "medium":
		c.Medium = text
	case "name":
		c.Name = text
	case "id":
		c.Id = text
	case "term":
		c.Term = text
	case "content":
		c.Content = text
	}
}

// PutCampaign gives e its own copy of c unless c says nothing.
func PutCampaign(e *event.Event, c *event.Campaign) {
	if c.Source+c.Medium+c.Name+c.Id+c.Term+c.Content == "" {
		return
	}
	e.Campaign = &event.Campaign{
		Source: c.Source, Medium: c.Medium, Name: c.Name, Id: c.Id, Term: c.Term, Content: c.Content,
	}
}
