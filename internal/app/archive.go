// Archive: the archiver of a server with a store of its own, and where the archive lies.
package app

import (
	"context"
	"errors"
	"time"

	"tidemark/internal/archive"
	"tidemark/internal/blob"
	"tidemark/internal/blob/dirblob"
	"tidemark/internal/blob/s3blob"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/property"
	"tidemark/internal/store"
	"tidemark/internal/store/clickstore"
)

// OpenArchive returns a reader of the archive that cfg names.
func OpenArchive(cfg config.Config) (*archive.Reader, error) {
	blobs, err := openArchiveBlobs(cfg)
	if err != nil {
		return nil, err
	}
	return archive.NewReader(blobs), nil
}

func openArchiveBlobs(cfg config.Config) (blob.Store, error) {
	switch {
	case !cfg.HasArchive():
		return nil, errors.New("there is no archive: the configuration names neither archive.dir nor archive.s3")
	case cfg.ArchiveOnS3():
		return s3blob.Open(cfg.ArchiveBucket())
	}
	return dirblob.Open(cfg.ArchiveDir())
}

// openArchiver finds out whether the object store can be used at all. One that does not answer
// just now keeps no server from starting: days wait.
func (s *server) openArchiver(ctx context.Context) error {
	if !s.Config.HasArchive() {
		return nil
	}
	blobs, err := openArchiveBlobs(s.Config)
	if err != nil {
		return err
	}
	if err := blob.Probe(ctx, blobs); errors.Is(err, blob.ErrAway) {
		s.Logger.Warn("the object store of the archive does not answer: final days wait", "error", err)
	} else if err != nil {
		return err
	}
	s.archiver, err = archive.New(s.Config.Archiver(), archive.Deps{Blobs: blobs, Source: s.finalDays(), Logger: s.Logger,
		Registerer: s.telemetry, Clock: time.Now})
	return err
}

func (s *server) runArchiver(ctx context.Context) error {
	if s.archiver == nil {
		<-ctx.Done()
		return nil
	}
	return s.archiver.Run(ctx)
}

func (s *server) finalDays() archive.Source {
	if s.isRoled() {
		return sharedDays{Store: s.roled.click, registry: s.registry}
	}
	return ownDays{Exporter: s.store, processor: s.processor, registry: s.registry}
}

// ownDays are the final days of a store of this process.
type ownDays struct {
	store.Exporter
	processor *pipeline.Processor
	registry  property.Registry
}

// Finals implements archive.Source.
func (d ownDays) Finals(context.Context) (map[event.PropertyID]archive.Final, error) {
	manifest, restatements := d.processor.FinalDays()
	out := make(map[event.PropertyID]archive.Final, len(manifest.FinalUntil))
	for id := range manifest.FinalUntil {
		final := archive.Final{}
		final.FinalState, _ = manifest.StateOf(id)
		for _, r := range restatements[id] {
			final.Changes = append(final.Changes, archive.Change{From: r.From, To: r.To, Note: r.Why + " " + r.At.String()})
		}
		out[id] = final
	}
	return out, nil
}

// sharedDays are the final days of a store that several processes share.
type sharedDays struct {
	*clickstore.Store
	registry property.Registry
}

// Finals implements archive.Source.
func (d sharedDays) Finals(ctx context.Context) (map[event.PropertyID]archive.Final, error) {
	manifest, err := d.Store.Finals(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[event.PropertyID]archive.Final, len(manifest.FinalUntil))
	for id := range manifest.FinalUntil {
		final := archive.Final{}
		final.FinalState, _ = manifest.StateOf(id)
		for _, r := range manifest.Restated[id] {
			final.Changes = append(final.Changes, archive.Change{From: r.From, To: r.To, Note: "restated " + r.At.String()})
		}
		out[id] = final
	}
	return out, nil
}

// Zone implements archive.Source.
func (d sharedDays) Zone(ctx context.Context, id event.PropertyID) (string, error) {
	return zoneOf(ctx, d.registry, id)
}

// Zone implements archive.Source.
func (d ownDays) Zone(ctx context.Context, id event.PropertyID) (string, error) {
	return zoneOf(ctx, d.registry, id)
}

func zoneOf(ctx context.Context, r property.Registry, id event.PropertyID) (string, error) {
	p, err := r.Property(ctx, id)
	return p.TimeZone, err
}
