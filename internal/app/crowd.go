// Crowd: simulated people for the demo, who send over HTTP as real ones do.
package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/testkit/traffic"
)

// The demo's past: less than the 72 hours that a late event may take.
const (
	demoHistory     = 70 * time.Hour
	demoHistoryRate = 0.08 // events a second: some twenty thousand in all
)

type crowd struct {
	url    string
	shop   property.Credentials
	seed   uint64
	client *http.Client
	sent   int
}

// visit sends what happens from start to end (zero: for ever) at rate, in real
// time if live.
func (v *crowd) visit(ctx context.Context, start, end time.Time, rate float64, live bool) error {
	source, err := traffic.New(v.config(start, end, rate, live))
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		s, ok := source.Next()
		if !ok {
			return nil
		}
		if live {
			select {
			case <-time.After(time.Until(s.At.Std())):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := v.send(ctx, s); err != nil {
			return err
		}
		v.sent++
	}
	return ctx.Err()
}

func (v *crowd) config(start, end time.Time, rate float64, live bool) traffic.Config {
	c := traffic.DefaultConfig()
	c.Seed, c.Start, c.Rate = v.seed, start, rate
	if live {
		c.Seed++ // other visits than those of the past
		c.IsFlat = true
	} else {
		c.Span = end.Sub(start)
	}
	c.Properties = []traffic.Property{{ID: event.PropertyID(v.shop.Property), MeasurementID: v.shop.MeasurementID,
		Zone: "Europe/Berlin", Currency: "EUR", Host: "saltmarsh.example", Weight: 1}}
	c.Pages, c.Clients = 60, 2000
	// The Measurement Protocol tells where a visitor is; connections from this
	// machine cannot.
	c.Mix.Cookieless, c.Mix.MeasurementProt, c.Mix.Sessionless = 0, 1, 0.03
	c.Mix.Late, c.Mix.TooLate, c.Mix.HotClient = 0, 0, 0
	return c
}

func (v *crowd) send(ctx context.Context, s traffic.Sent) error {
	q := url.Values{"measurement_id": {v.shop.MeasurementID}, "api_secret": {v.shop.APISecret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/mp/collect?"+q.Encode(),
		bytes.NewReader(s.AppendMP(nil)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.Event.UserAgent)
	resp, err := v.client.Do(req)
	if err != nil {
		return fmt.Errorf("send a visit: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("send a visit: %w", err)
	}
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("send a visit: the collector answered %s", resp.Status)
	}
	return nil
}
