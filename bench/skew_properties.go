// Properties for the skew measure: a registry with many of them, made once and
// copied into the data directory of each server that is measured with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/sqlreg"
	"tidemark/internal/testkit/traffic"
)

// village is a registry file with its properties. The first one gets no load: it
// is the one whose freshness must not suffer from the others.
type village struct {
	file      string
	bystander credentials
	loaded    []credentials
}

// newVillage makes a registry with n loaded properties and one beside them.
func (b *bench) newVillage(ctx context.Context, n int) (v *village, err error) {
	dir := filepath.Join(b.dir, "registry"+strconv.Itoa(n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of registry: %w", err)
	}
	v = &village{file: config.RegistryFile(dir)}
	r, err := sqlreg.Open(v.file)
	if err != nil {
		return nil, err
	}
	// SQLite moves its write-ahead log into the file when it is closed.
	defer func() { err = errors.Join(err, r.Close()) }()
	for i := range n + 1 {
		b.progress.say(fmt.Sprintf("making properties, %d of %d", i, n))
		_, c, err := r.CreateProperty(ctx, property.NewProperty{
			Name: fmt.Sprintf("Bench %d", i), TimeZone: zoneName, Currency: "EUR"})
		if err != nil {
			return nil, err
		}
		made := credentials{c.Property.String(), c.MeasurementID, c.APISecret, c.ReadKey}
		if i == 0 {
			v.bystander = made
		} else {
			v.loaded = append(v.loaded, made)
		}
	}
	return v, nil
}

// server makes a data directory with the registry of v.
func (v *village) server(b *bench, name, settings string) (*server, error) {
	s := &server{bin: b.bin, dir: filepath.Join(b.dir, name), settings: settings, credentials: v.bystander}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	text, err := os.ReadFile(v.file)
	if err != nil {
		return nil, fmt.Errorf("read registry: %w", err)
	}
	if err := os.WriteFile(config.RegistryFile(s.dir), text, 0o600); err != nil {
		return nil, fmt.Errorf("copy registry: %w", err)
	}
	return s, nil
}

// receivers are the loaded properties as traffic knows them: the first has the
// share `first` of all sessions, 0 for as many as each of the others.
func (v *village) receivers(first float64, pages []traffic.Page) ([]traffic.Property, error) {
	n := float64(len(v.loaded))
	weights := [2]float64{1 / n, 1 / n}
	if first > 0 && n > 1 {
		weights = [2]float64{first, (1 - first) / (n - 1)}
	}
	var out []traffic.Property
	for i, c := range v.loaded {
		id, err := strconv.ParseUint(c.Property, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read property id: %w", err)
		}
		out = append(out, traffic.Property{ID: event.PropertyID(id), MeasurementID: c.MeasurementID, Zone: zoneName,
			Currency: "EUR", Host: fmt.Sprintf("site-%d.example", i), Weight: weights[min(i, 1)], Pages: pages})
	}
	return out, nil
}
