// Profiles, on a loopback listener of their own (OB3): a profile shows memory
// and can stop the world, so it is never on the public listener.
package obs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// ProfileServer serves /debug/pprof/.
type ProfileServer struct {
	server   *http.Server
	listener net.Listener
}

// CheckProfileAddress says whether profiles may be served at address.
func CheckProfileAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%q is not a loopback address: profiles show what is in memory", address)
	}
	return nil
}

// ListenProfiles opens the listener.
func ListenProfiles(address string) (*ProfileServer, error) {
	if err := CheckProfileAddress(address); err != nil {
		return nil, fmt.Errorf("serve profiles: %w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve profiles: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return &ProfileServer{server: server, listener: l}, nil
}

// Addr returns where it listens.
func (p *ProfileServer) Addr() net.Addr { return p.listener.Addr() }

// Run serves until Stop.
func (p *ProfileServer) Run(context.Context) error {
	if err := p.server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve profiles: %w", err)
	}
	return nil
}

// Stop ends it. A profile under way is cut off.
func (p *ProfileServer) Stop(context.Context) error { return p.server.Close() }
