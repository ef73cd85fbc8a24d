// History: events of three months, or as many days as asked for, written straight into a log as collectors
// would have, for a server that then folds them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/traffic"
)

// historyOther are the properties beside the one that is asked; together as large.
const historyOther = 99

// writeHistory fills the log of a data directory that no server has opened.
func writeHistory(ctx context.Context, s *server, events, days int, said func(done int)) error {
	cfg, err := historyTraffic(s.credentials, events, days)
	if err != nil {
		return err
	}
	return writeLog(ctx, s, cfg, events, func(int, *event.Event) {}, said)
}

// writeLog fills the log with traffic; change has a last word about each event.
func writeLog(ctx context.Context, s *server, cfg traffic.Config, events int, change func(i int, e *event.Event),
	said func(done int)) (err error) {
	source, err := traffic.New(cfg)
	if err != nil {
		return err
	}
	lc := pebblelog.DefaultConfig()
	lc.Dir = filepath.Join(s.dir, "log")
	lc.MaxQueueWait, lc.MaxCommitWait = time.Hour, time.Hour // nobody else waits: a log that is busy with itself is no failure
	log, err := pebblelog.Open(lc, pebblelog.Deps{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	records := historyDefinitions(cfg)
	for done := 0; done < events; {
		for len(records) < 4000 && done < events {
			sent, ok := source.Next()
			if !ok {
				return errors.New("BUG: traffic ended early")
			}
			change(done, sent.Event)
			records = append(records, &event.Record{Kind: &event.Record_Event{Event: sent.Event}})
			done++
		}
		batch, err := product.BatchOf(records, log.Partitions())
		if err != nil {
			return err
		}
		if err := log.Append(ctx, batch); err != nil {
			return err
		}
		records = records[:0]
		said(done)
	}
	return nil
}

// historyTraffic is one large property with ten thousand pages and many small
// ones.
func historyTraffic(c credentials, events, days int) (traffic.Config, error) {
	id, err := strconv.ParseUint(c.Property, 10, 64)
	if err != nil {
		return traffic.Config{}, fmt.Errorf("read property id: %w", err)
	}
	cfg := traffic.DefaultConfig()
	span := time.Duration(days) * 24 * time.Hour
	cfg.Start = time.Now().Add(-span).Truncate(time.Second)
	cfg.Rate = float64(events) / span.Seconds() * 1.005 // so that it ends about now
	cfg.Clients, cfg.Pages = events/20, 10_000
	cfg.Properties = []traffic.Property{{ID: event.PropertyID(id), MeasurementID: c.MeasurementID,
		Zone: zoneName, Currency: "EUR", Host: "shop.example", Weight: 0.5}}
	few := fewPages(100)
	for i := range historyOther {
		cfg.Properties = append(cfg.Properties, traffic.Property{ID: event.PropertyID(1_000_000_000 + i),
			MeasurementID: fmt.Sprintf("G-BENCH%05d", i), Zone: "UTC", Currency: "USD",
			Host: fmt.Sprintf("site-%d.example", i), Weight: 0.5 / historyOther, Pages: few})
	}
	return cfg, nil
}

func historyDefinitions(cfg traffic.Config) []*event.Record {
	var out []*event.Record
	for _, p := range cfg.Properties {
		out = append(out, &event.Record{Kind: &event.Record_Definition{Definition: &event.Definition{
			Property: uint64(p.ID), Version: 1, TimeZone: p.Zone, Currency: p.Currency,
			SessionTimeoutMs: (30 * time.Minute).Milliseconds(), KeyEvents: []string{"purchase"},
			IngestTime: cfg.Start.UnixMicro(),
		}}})
	}
	return out
}

// bytesBelow adds up the sizes of files by what `kind` says of their names.
func bytesBelow(dir string, kind func(file string) string) (map[string]float64, error) {
	sums := map[string]float64{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sums[kind(filepath.Base(path))] += float64(info.Size())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("measure %s: %w", dir, err)
	}
	return sums, nil
}

// tableOf returns the table of a segment file.
func tableOf(file string) string {
	if i := strings.LastIndexByte(file, '-'); i > 0 {
		return file[:i]
	}
	return "other"
}
