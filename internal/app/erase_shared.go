// Erasure in a cluster: the order goes into the log like any other record, whoever folds the client's partition
// forgets the client, and whoever keeps the store removes the rows. Who ordered it waits for both.
package app

import (
	"context"
	"slices"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/store"
)

// lookForErased is how often it is looked whether an erasure was carried out.
const lookForErased = 200 * time.Millisecond

func (s *server) sharedEraseParties() eraseParties {
	rows := s.roled.store
	// What waits on a collector's disk is no older than the erasure once it is in the log: nobody waits for it.
	fresh := &owned.Freshness{Log: s.log, Store: rows, Clock: time.Now}
	visible := func(ctx context.Context) error {
		since := event.TimeOf(time.Now())
		return repeat(ctx, func() (bool, error) {
			f, err := fresh.Freshness(ctx, 0)
			return f.ProcessedThrough > since, err
		})
	}
	return eraseParties{store: rows, visible: visible,
		ledger: func(ctx context.Context, id event.PropertyID) (ledger.Ledger, error) {
			f, err := fresh.Freshness(ctx, id)
			return f.Ledger, err
		},
		carriedOut: func(ctx context.Context, id event.PropertyID, clients []string) error {
			if err := visible(ctx); err != nil {
				return err
			}
			return repeat(ctx, func() (bool, error) {
				left, err := rows.Erasures(ctx)
				return !slices.ContainsFunc(left, func(e store.Erasure) bool {
					return e.Property == id && slices.Contains(clients, e.ClientID)
				}), err
			})
		}}
}

// repeat asks until the answer is yes.
func repeat(ctx context.Context, ask func() (bool, error)) error {
	again := time.NewTicker(lookForErased)
	defer again.Stop()
	for {
		yes, err := ask()
		if yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again.C:
		}
	}
}
