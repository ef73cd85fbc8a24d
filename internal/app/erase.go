// Erasure: the operator's order to forget a person (S30, D10).
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// maxErased bounds the clients of one order: those of one person.
const maxErased = 10_000

func (s *server) eraseClients(w http.ResponseWriter, r *http.Request) {
	var order cli.EraseOrder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&order); err != nil {
		answer(w, http.StatusBadRequest, cli.EraseResult{Error: "read order: " + err.Error()})
		return
	}
	result, err := s.erase(r.Context(), order)
	if err != nil {
		s.Logger.Warn("erasure failed", "property", order.Property, "error", err)
		answer(w, http.StatusConflict, cli.EraseResult{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, *result)
}

// erase puts the order into the log and waits until it is carried out: folded,
// saved, and the rows gone. Once it is in the log it will be, whatever happens to whoever
// waits here.
func (s *server) erase(ctx context.Context, order cli.EraseOrder) (*cli.EraseResult, error) {
	id, err := event.ParsePropertyID(order.Property)
	if err != nil {
		return nil, fmt.Errorf("%q is no property id", order.Property)
	}
	if _, err := s.registry.Property(ctx, id); err != nil {
		return nil, fmt.Errorf("look up property %s: %w", id, err)
	}
	clients, err := s.clientsOf(ctx, id, order)
	if err != nil {
		return nil, err
	}
	parties := s.eraseParties()
	before, err := parties.ledger(ctx, id)
	if err != nil {
		return nil, err
	}
	batch := &eventlog.Batch{}
	now := event.TimeOf(time.Now())
	for _, c := range clients {
		payload, err := (&event.Record{Kind: &event.Record_Erasure{Erasure: &event.Erasure{
			Property: uint64(id), ClientId: c, IngestTime: int64(now)}}}).MarshalVT()
		if err != nil {
			return nil, fmt.Errorf("encode erasure: %w", err)
		}
		batch.Records = append(batch.Records, eventlog.Record{Payload: payload,
			Partition: event.PartitionOf(id, c, s.log.Partitions())})
	}
	if len(clients) > 0 {
		if err := s.collects.Append(ctx, batch); err != nil {
			return nil, fmt.Errorf("log erasure: %w", err)
		}
		if err := parties.carriedOut(ctx, id, clients); err != nil {
			return nil, fmt.Errorf("the erasure is logged and will be carried out, but was not yet: %w", err)
		}
	}
	after, err := parties.ledger(ctx, id)
	if err != nil {
		return nil, err
	}
	return &cli.EraseResult{Clients: len(clients), Events: after.Erased - before.Erased,
		LogUntil: now.Std().Add(s.Config.Processor.LogRetention + logCutSlack).UTC().Format(time.RFC3339)}, nil
}

// eraseParties are those who take part in an erasure.
type eraseParties struct {
	store store.Reader
	// ledger is the account of a property.
	ledger func(context.Context, event.PropertyID) (ledger.Ledger, error)
	// visible waits until all that was accepted before the call can be seen.
	visible func(context.Context) error
	// carriedOut waits until rows and state of clients are gone whose erasure is in the log.
	carriedOut func(context.Context, event.PropertyID, []string) error
}

func (s *server) eraseParties() eraseParties {
	if s.isRoled() {
		return s.sharedEraseParties()
	}
	p := s.processor
	return eraseParties{store: s.store, ledger: p.Ledger, visible: p.WaitVisible,
		carriedOut: func(ctx context.Context, _ event.PropertyID, _ []string) error {
			for _, step := range []func(context.Context) error{p.WaitVisible, p.Checkpoint, p.Upkeep} {
				if err := step(ctx); err != nil {
					return err
				}
			}
			return nil
		}}
}

// logCutSlack is how long after its retention a record may still lie in the log: marks
// are an hour apart, and files are rewritten in the background.
const logCutSlack = 2 * time.Hour

func (s *server) clientsOf(ctx context.Context, id event.PropertyID, order cli.EraseOrder) ([]string, error) {
	switch {
	case (order.ClientID == "") == (order.UserID == ""):
		return nil, errors.New("name a client id or a user id, and not both")
	case order.ClientID != "":
		return []string{order.ClientID}, nil
	}
	// What was accepted before this moment is looked at.
	parties := s.eraseParties()
	if err := parties.visible(ctx); err != nil {
		return nil, err
	}
	sn, err := parties.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer sn.Release()
	clients, err := sn.ClientsOf(ctx, id, order.UserID)
	if err == nil && len(clients) > maxErased {
		err = fmt.Errorf("the user id was seen with %d clients: more than %d are not one person", len(clients), maxErased)
	}
	return clients, err
}
