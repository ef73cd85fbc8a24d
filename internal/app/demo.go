// Demo: a server with a shop to browse, simulated visitors, and a login that is
// printed. It is for looking around on one's own machine.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/demoshop"
	"tidemark/internal/property"
)

// demoFacts are what a demo prints again after a restart. They are kept in the
// open in the data directory: a demo holds nothing worth hiding.
type demoFacts struct {
	Email    string               `json:"email"`
	Password string               `json:"password"`
	Shop     property.Credentials `json:"shop"`
}

const demoEmail = "demo@example.com"

// Demo runs a demo until ctx is done.
func Demo(ctx context.Context, serving cli.Serving, d cli.Demo) error {
	s := newServer(serving)
	var facts demoFacts
	s.pages = func(mux *http.ServeMux) {
		mux.HandleFunc("/demo/", func(w http.ResponseWriter, r *http.Request) {
			demoshop.Handler(facts.Shop.MeasurementID).ServeHTTP(w, r)
		})
		mux.Handle("GET /demo", http.RedirectHandler("/demo/", http.StatusFound))
	}
	sending, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	s.prepare = func(ctx context.Context) (err error) {
		facts, err = s.demoFacts(ctx)
		return err
	}
	began := false
	err := s.run(ctx, func(context.Context) error {
		s.demoWelcome(facts)
		began = true
		go func() {
			defer close(ended)
			s.simulate(sending, facts.Shop, d)
		}()
		return nil
	})
	stop()
	if began {
		<-ended
	}
	return err
}

// demoFacts reads the facts of an earlier run or makes property and member.
func (s *server) demoFacts(ctx context.Context) (demoFacts, error) {
	file := filepath.Join(s.Config.DataDir, "demo.json")
	facts := demoFacts{Email: demoEmail}
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &facts); err != nil {
			return facts, fmt.Errorf("read %s: %w", file, err)
		}
		return facts, nil
	case !errors.Is(err, fs.ErrNotExist):
		return facts, fmt.Errorf("read %s: %w", file, err)
	}
	token, err := s.registry.CreateSetupToken(ctx)
	if err != nil {
		return facts, fmt.Errorf("%s is the data directory of a server that is no demo: give another --data-dir: %w",
			s.Config.DataDir, err)
	}
	facts.Password = "demo-" + token[:12]
	if _, err := s.registry.Setup(ctx, token, facts.Email, facts.Password); err != nil {
		return facts, fmt.Errorf("make the demo's member: %w", err)
	}
	_, facts.Shop, err = s.registry.CreateProperty(ctx, property.NewProperty{
		Name: "Saltmarsh Supply", TimeZone: "Europe/Berlin", Currency: "EUR", KeyEvents: []string{"purchase", "sign_up"}})
	if err != nil {
		return facts, fmt.Errorf("make the demo's property: %w", err)
	}
	text, err = json.MarshalIndent(facts, "", "  ")
	if err != nil {
		return facts, err
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
		return facts, fmt.Errorf("write %s: %w", file, err)
	}
	return facts, nil
}

func (s *server) demoWelcome(f demoFacts) {
	if s.JSON {
		_ = json.NewEncoder(s.Out).Encode(struct { // a pipe that is closed is the reader's choice
			URL string `json:"url"`
			demoFacts
		}{s.url(), f})
		return
	}
	fmt.Fprintf(s.Out, `
  Tidemark demo

    dashboard   %[1]s/
                log in as %[2]s with the password %[3]s
    shop        %[1]s/demo/       what you do there shows up at once
    reports     tidemark report --data-dir %[4]s --property %[5]s --read-key %[6]s \
                  --dimensions date --metrics activeUsers,sessions
    live        tidemark tail --data-dir %[4]s --property %[5]s --read-key %[6]s

  Stop it with Ctrl-C. Everything is kept in %[4]s.

`, s.url(), f.Email, f.Password, s.Config.DataDir, f.Shop.Property, f.Shop.ReadKey)
}

// simulate sends three days of visits, as far back as late events may lie, and
// then goes on at the rate asked for.
func (s *server) simulate(ctx context.Context, shop property.Credentials, d cli.Demo) {
	if d.Rate == 0 {
		return
	}
	v := crowd{url: s.url(), shop: shop, seed: d.Seed, client: &http.Client{Timeout: 10 * time.Second}}
	now := time.Now()
	err := v.visit(ctx, now.Add(-demoHistory), now, demoHistoryRate, false)
	if err == nil {
		s.Logger.Info("demo history sent", "events", v.sent, "took", time.Since(now).Round(time.Millisecond))
		err = v.visit(ctx, time.Now(), time.Time{}, d.Rate, true)
	}
	if err != nil && ctx.Err() == nil {
		s.Logger.Error("demo visitors stopped", "error", err)
	}
}
