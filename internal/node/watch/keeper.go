// Keeper: the lease of the process itself.
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tidemark/internal/node"
)

// callTimeout bounds one question to a source or registry, whatever its own
// bound is.
const callTimeout = 5 * time.Second

// Keeper registers a node and renews its lease until it is told to stop.
type Keeper struct {
	registry node.Registry
	node     node.Node
	logger   *slog.Logger
}

// NewKeeper returns a Keeper of n's lease.
func NewKeeper(r node.Registry, n node.Node, logger *slog.Logger) *Keeper {
	return &Keeper{registry: r, node: n, logger: logger}
}

// Run registers, renews once per RenewInterval, and deregisters when ctx ends. A
// registry that does not answer is asked again at the next interval. It ends with
// an error only if it may not go on: node.ErrReplaced, node.ErrInvalid.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(RenewInterval)
	defer ticker.Stop()
	var lease node.Lease // Incarnation 0: none
	answered := true
	for {
		err := k.step(ctx, &lease)
		switch {
		case errors.Is(err, node.ErrReplaced) || errors.Is(err, node.ErrInvalid):
			return fmt.Errorf("keep lease of node %s: %w", k.node.ID, err)
		case ctx.Err() != nil:
			return k.leave(ctx, lease)
		case err == nil && !answered:
			k.logger.Info("lease is renewed again")
		case err != nil && answered:
			k.logger.Warn("registry of nodes does not answer", "error", err)
		}
		answered = err == nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return k.leave(ctx, lease)
		}
	}
}

// step renews the lease, or makes one where there is none.
func (k *Keeper) step(ctx context.Context, lease *node.Lease) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if lease.Incarnation > 0 {
		err := k.registry.Renew(ctx, lease.ID, lease.Incarnation)
		if !errors.Is(err, node.ErrEvicted) {
			return err
		}
		*lease = node.Lease{}
	}
	made, err := k.registry.Register(ctx, k.node)
	if err != nil {
		return err
	}
	*lease = made
	return nil
}

// leave ends the lease, so that the others know at once.
func (k *Keeper) leave(ctx context.Context, lease node.Lease) error {
	if lease.Incarnation == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := k.registry.Deregister(ctx, lease.ID, lease.Incarnation); err != nil {
		return fmt.Errorf("leave: %w", err) // the others will see that it is silent
	}
	return nil
}
