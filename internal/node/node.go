// The contract and the values that cross it.
package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	// ErrEvicted: the lease is not there any more. Its node registers again.
	ErrEvicted = errors.New("the lease has ended")
	// ErrReplaced: another process has registered under the same id. Whoever gets
	// it must not register again: the two would replace each other for ever.
	ErrReplaced = errors.New("another process has registered under this id")
	// ErrInvalid: the values make no node.
	ErrInvalid = errors.New("invalid node")
)

// Node is a process of the installation, as others need to know it.
type Node struct {
	// ID is the operator's name for it ("collector-0"). A restart keeps it.
	ID string
	// Roles are what it does, sorted: "collector", "processor", "api".
	Roles []string
	// Address is host:port, where it answers the other nodes and health checks.
	Address string
	// Metadata is what else others may want to know: version, zone.
	Metadata map[string]string
}

// Has tells whether the node has a role.
func (n Node) Has(role string) bool { return slices.Contains(n.Roles, role) }

// Equal tells whether both say the same.
func (n Node) Equal(m Node) bool {
	return n.ID == m.ID && n.Address == m.Address && slices.Equal(n.Roles, m.Roles) && maps.Equal(n.Metadata, m.Metadata)
}

// Lease is a registered node.
type Lease struct {
	Node
	// Incarnation tells apart the processes that had the id one after the other.
	Incarnation uint64
	// Renewals counts. After a crash of the database it may go back; an observer
	// asks only whether it moved.
	Renewals uint64
}

// Backlogs says what nodes hold that was accepted and that no log has yet, so that freshness can
// be told (S27). It has nothing to do with leases: what a node holds stays on its disk when it dies.
type Backlogs interface {
	// Hold says that the node holds something, the oldest of it accepted at `oldest`. ErrInvalid.
	Hold(ctx context.Context, id string, oldest time.Time) error
	// Release says that it holds nothing.
	Release(ctx context.Context, id string) error
	// OldestHeld returns when the oldest was accepted of what all nodes hold, and which holds it; false if
	// none does.
	OldestHeld(ctx context.Context) (oldest time.Time, id string, some bool, err error)
}

// Registry keeps leases.
type Registry interface {
	Source
	Backlogs
	// Register makes a lease for n (N1). ErrInvalid.
	Register(ctx context.Context, n Node) (Lease, error)
	// Renew says that the node lives. ErrEvicted, ErrReplaced.
	Renew(ctx context.Context, id string, incarnation uint64) error
	// Deregister ends the lease. One that has ended is no error.
	Deregister(ctx context.Context, id string, incarnation uint64) error
	// Evict ends the lease if it is still as the caller saw it (N3), and tells
	// whether it did.
	Evict(ctx context.Context, seen Lease) (bool, error)
	Close() error
}

// Source says who is there. A Registry is one; DNS is another, whose leases never
// move.
type Source interface {
	// Leases returns all that are there (N4).
	Leases(ctx context.Context) ([]Lease, error)
}

// Bounds. What one node says, all others keep.
const (
	maxText     = 253 // bytes of an id, a role, an address, a key; the limit of DNS
	maxValue    = 1024
	maxRoles    = 32
	maxMetadata = 32
)

// Normal returns n with its roles sorted, or ErrInvalid.
func (n Node) Normal() (Node, error) {
	n.Roles = slices.Clone(n.Roles)
	slices.Sort(n.Roles)
	n.Roles = slices.Compact(n.Roles)
	if len(n.Roles) == 0 || len(n.Roles) > maxRoles || len(n.Metadata) > maxMetadata {
		return n, fmt.Errorf("%d roles, %d metadata: %w", len(n.Roles), len(n.Metadata), ErrInvalid)
	}
	for _, s := range append([]string{n.ID, n.Address}, n.Roles...) {
		if s == "" || !isText(s, maxText) {
			return n, fmt.Errorf("id, address or role %q: %w", s, ErrInvalid)
		}
	}
	for key, value := range n.Metadata {
		if key == "" || !isText(key, maxText) || !isText(value, maxValue) {
			return n, fmt.Errorf("metadata %q: %w", key, ErrInvalid)
		}
	}
	return n, nil
}

func isText(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

// View is who is there, as one observer judges it. It is shared and must not be
// changed.
type View struct {
	// Nodes are by id.
	Nodes []Status
}

// Status is what an observer knows of a node.
type Status struct {
	Node
	// Routable: its last health check was good, or only one failed since.
	Routable bool
	// Reason says why not.
	Reason string
}

// Routable returns the nodes of a role that are worth a request.
func (v View) Routable(role string) []Node {
	var nodes []Node
	for _, s := range v.Nodes {
		if s.Routable && s.Has(role) {
			nodes = append(nodes, s.Node)
		}
	}
	return nodes
}

// SortLeases puts leases by id.
func SortLeases(leases []Lease) {
	slices.SortFunc(leases, func(a, b Lease) int { return cmp.Compare(a.ID, b.ID) })
}
