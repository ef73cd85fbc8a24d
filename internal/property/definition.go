// Definition: how a property counts, as the log carries it.
package property

import "tidemark/internal/event"

// Definition returns the log record that tells the fold how p counts from here on.
func (p *Property) Definition(ingest event.Time) *event.Record {
	return &event.Record{Kind: &event.Record_Definition{Definition: &event.Definition{
		Property:         uint64(p.ID),
		Version:          p.Version,
		TimeZone:         p.TimeZone,
		Currency:         p.Currency,
		SessionTimeoutMs: p.SessionTimeout.Milliseconds(),
		KeyEvents:        p.KeyEvents,
		ObservedUsers:    p.ObservedUsers,
		IgnoredReferrers: p.IgnoredReferrers,
		ChannelRules:     p.ChannelRules,
		IngestTime:       int64(ingest),
	}}}
}
