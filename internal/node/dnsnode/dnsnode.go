// Package dnsnode reads the nodes of an installation from DNS (package node): for
// those that do not register, or where Kubernetes keeps the names.
//
// A node's id is its address. Its lease has no incarnation and never moves: who is
// in the answer is there, and health checks decide who is routable. A lookup that
// fails is an error, and so is "no such name": that is what a cluster's DNS says while
// it restarts, and the last view holds (W2). One failed name fails all, since a
// view that lacks a role would look like an installation that lacks it.
//
// Concurrency: all methods may be called from any goroutine.
package dnsnode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"tidemark/internal/node"
)

// Name is one DNS name and the role of the nodes it lists.
type Name struct {
	Role string
	// Name has SRV records ("_http._tcp.collector.example.org") if Port is 0, else
	// addresses.
	Name string
	Port int
}

// Config is the operator's choice.
type Config struct{ Names []Name }

// Source looks names up.
type Source struct {
	names    []Name
	resolver *net.Resolver
}

var _ node.Source = (*Source)(nil)

// New returns a Source; nil is the resolver of the process.
func New(c Config, resolver *net.Resolver) (*Source, error) {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	if len(c.Names) == 0 {
		return nil, errors.New("read nodes from DNS: no name is given")
	}
	for _, n := range c.Names {
		if n.Role == "" || n.Name == "" || n.Port < 0 || n.Port > 1<<16-1 {
			return nil, fmt.Errorf("read nodes from DNS: name %q with role %q and port %d cannot be asked", n.Name, n.Role, n.Port)
		}
	}
	return &Source{names: slices.Clone(c.Names), resolver: resolver}, nil
}

// Leases implements node.Source.
func (s *Source) Leases(ctx context.Context) ([]node.Lease, error) {
	roles := map[string][]string{} // by address
	for _, name := range s.names {
		addresses, err := s.lookup(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("look up nodes of role %s: %w", name.Role, err)
		}
		for _, a := range addresses {
			roles[a] = append(roles[a], name.Role)
		}
	}
	var all []node.Lease
	for address, has := range roles {
		n, err := node.Node{ID: address, Roles: has, Address: address}.Normal()
		if err != nil {
			return nil, fmt.Errorf("read answer of DNS: %w", err)
		}
		all = append(all, node.Lease{Node: n})
	}
	node.SortLeases(all)
	return all, nil
}

func (s *Source) lookup(ctx context.Context, name Name) ([]string, error) {
	if name.Port > 0 {
		hosts, err := s.resolver.LookupHost(ctx, name.Name)
		if err != nil {
			return nil, err
		}
		addresses := make([]string, len(hosts))
		for i, host := range hosts {
			addresses[i] = net.JoinHostPort(host, strconv.Itoa(name.Port))
		}
		return addresses, nil
	}
	_, records, err := s.resolver.LookupSRV(ctx, "", "", name.Name)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, r := range records {
		if r.Target == "." { // the one record that says: nobody, on purpose (RFC 2782)
			continue
		}
		addresses = append(addresses, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
	}
	return addresses, nil
}
