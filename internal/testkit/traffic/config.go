// Config: how much traffic, of whom, and how much of it goes wrong.
package traffic

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // F1: zones must not depend on the machine

	"tidemark/internal/event"
)

// Property is one receiver of traffic.
type Property struct {
	ID            event.PropertyID
	MeasurementID string
	Zone          string // IANA name
	Currency      string // ISO 4217
	Host          string // of its pages
	Weight        float64
	// Pages are the pages it has, most visited first. Nil: Config.Pages pages
	// are made up.
	Pages []Page
}

// Page is one page of a property.
type Page struct {
	Path  string // may have a query
	Title string
	// Item is what the page sells, "" if nothing, and Category on which shelf.
	Item, Category string
	PriceMicros    int64
}

// Config describes a stream of events.
type Config struct {
	Seed       uint64
	Properties []Property

	// Start is when the first session may begin, in simulated time. Events
	// begin some seconds later: sessions have to fill up first.
	Start time.Time
	// Rate is about how many events arrive in a simulated second. Sessions
	// last minutes, so memory grows with it: about 50 kB per event a second.
	Rate float64
	// Events and Span end the stream, whichever comes first; 0 is no end.
	Events int
	Span   time.Duration
	// IsFlat keeps the rate the same day and night.
	IsFlat bool

	// Pages is how many pages a property has that names none, Clients how many
	// clients visited it before Start.
	Pages   int
	Clients int

	Mix Mix
}

// Mix is shares between 0 and 1.
type Mix struct {
	// Of sessions.
	Returning  float64 // by a client that was there before
	HotClient  float64 // by one and the same client of the first property
	Programs   float64 // by crawlers and browsers without a person
	Late       float64 // told hours later, within the allowed lateness (S3)
	TooLate    float64 // told after it
	Skewed     float64 // with a clock that is wrong
	Purchasing float64

	// Of clients.
	Cookieless      float64 // without a client id (S10)
	MeasurementProt float64 // through the Measurement Protocol, the rest natively
	Sessionless     float64 // of those: without session_id (S13)

	// Of events.
	Copies     float64 // sent again with the same key (S7)
	Stragglers float64 // overtaken by later ones on the way
}

// DefaultMix is what a mid-sized shop might see, with more going wrong.
func DefaultMix() Mix {
	return Mix{
		Returning: 0.45, HotClient: 0.01, Programs: 0.04, Late: 0.03, TooLate: 0.002,
		Skewed: 0.05, Purchasing: 0.03,
		Cookieless: 0.5, MeasurementProt: 0.1, Sessionless: 0.3,
		Copies: 0.01, Stragglers: 0.02,
	}
}

// DefaultConfig is five properties around the world at 200 events a second.
func DefaultConfig() Config {
	return Config{
		Seed: 1,
		Properties: []Property{
			made(1000000001, "G-TRAFFIC001", "Europe/Berlin", "EUR", "shop.example", 0.5),
			made(1000000002, "G-TRAFFIC002", "America/New_York", "USD", "www.example.com", 0.2),
			made(1000000003, "G-TRAFFIC003", "Asia/Kolkata", "INR", "bazaar.example", 0.15),
			made(1000000004, "G-TRAFFIC004", "Australia/Lord_Howe", "AUD", "island.example", 0.1),
			made(1000000005, "G-TRAFFIC005", "America/Sao_Paulo", "BRL", "loja.example", 0.05),
		},
		Start: time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC),
		Rate:  200, Pages: 400, Clients: 2000,
		Mix: DefaultMix(),
	}
}

func made(id event.PropertyID, measurementID, zone, currency, host string, weight float64) Property {
	return Property{
		ID: id, MeasurementID: measurementID, Zone: zone, Currency: currency, Host: host, Weight: weight,
	}
}

// Validate says what is wrong with c.
func (c *Config) Validate() error {
	switch {
	case len(c.Properties) == 0:
		return errors.New("no properties")
	case !(c.Rate > 0):
		return fmt.Errorf("rate %v: must be more than 0", c.Rate)
	case c.Pages < 1:
		return fmt.Errorf("pages %d: must be at least 1", c.Pages)
	case c.Clients < 0 || c.Events < 0 || c.Span < 0:
		return errors.New("clients, events and span must not be negative")
	case c.Start.IsZero():
		return errors.New("no start")
	}
	for _, p := range c.Properties {
		if !(p.Weight > 0) || p.Host == "" || p.Pages != nil && len(p.Pages) == 0 {
			return fmt.Errorf("property %v: needs a weight, a host and pages", p.ID)
		}
	}
	return nil
}
