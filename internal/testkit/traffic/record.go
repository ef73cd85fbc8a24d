// Records: what was sent, one JSON object a line, so that a test can count for
// itself what reports must show.
package traffic

import (
	"encoding/json"
	"fmt"
	"time"

	"tidemark/internal/event"
)

// Record is a line of a record file. Times are microseconds since 1970. An
// event of a client without id says which client it was by the generator's
// name for it, not by the id that the collector gives it.
type Record struct {
	Property    event.PropertyID `json:"property"`
	Protocol    string           `json:"protocol"`
	Key         string           `json:"key"`
	IsCopy      bool             `json:"copy,omitempty"`
	IsBot       bool             `json:"bot,omitempty"`
	IsTooLate   bool             `json:"too_late,omitempty"`
	Client      string           `json:"client"`
	IsCookie    bool             `json:"cookie,omitempty"` // the client has an id of its own
	UserID      string           `json:"user_id,omitempty"`
	SessionID   string           `json:"session_id,omitempty"`
	Name        string           `json:"name"`
	EventTime   event.Time       `json:"event_time"`
	IngestTime  event.Time       `json:"ingest_time"`
	SkewMS      int64            `json:"skew_ms,omitempty"`
	URL         string           `json:"url,omitempty"`
	Referrer    string           `json:"referrer,omitempty"`
	UserAgent   string           `json:"user_agent,omitempty"`
	Country     string           `json:"country,omitempty"`
	Engagement  int64            `json:"engagement_ms,omitempty"`
	ValueMicros int64            `json:"value_micros,omitempty"`
	Currency    string           `json:"currency,omitempty"`
}

// AppendRecord appends the event as one line, with its line end.
func (s *Sent) AppendRecord(dst []byte) []byte {
	e := s.Event
	o := openObject(dst)
	o.integer("property", int64(e.Property))
	o.text("protocol", s.Protocol.String())
	o.text("key", e.Key)
	o.flag("copy", s.IsCopy)
	o.flag("bot", s.IsBot)
	o.flag("too_late", event.TooLate(e))
	o.text("client", e.ClientId)
	o.flag("cookie", !e.Cookieless)
	o.text("user_id", e.UserId)
	o.text("session_id", e.SessionId)
	o.text("name", e.Name)
	o.integer("event_time", e.EventTime)
	o.integer("ingest_time", e.IngestTime)
	if s.Skew != 0 {
		o.integer("skew_ms", s.Skew.Milliseconds())
	}
	o.text("url", e.Url)
	o.text("referrer", e.Referrer)
	o.text("user_agent", e.UserAgent)
	if e.Geo != nil {
		o.text("country", e.Geo.Country)
	}
	if e.EngagementMs > 0 {
		o.integer("engagement_ms", e.EngagementMs)
	}
	if e.HasValue {
		o.integer("value_micros", e.ValueMicros)
		o.text("currency", e.Currency)
	}
	return append(o.close(), '\n')
}

// ParseRecord reads a line that AppendRecord wrote.
func ParseRecord(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return Record{}, fmt.Errorf("read traffic record: %w", err)
	}
	return r, nil
}

// Skew returns how much the sender's clock was ahead.
func (r *Record) Skew() time.Duration { return time.Duration(r.SkewMS) * time.Millisecond }
