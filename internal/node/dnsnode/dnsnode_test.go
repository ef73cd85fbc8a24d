// The source against a small DNS server on loopback that answers by hand.
package dnsnode

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"tidemark/internal/node"
)

// answers is what the server knows: by name, then as the question wants it.
type answers struct {
	mu   sync.Mutex
	srv  map[string][]dnsmessage.SRVResource
	a    map[string][][4]byte
	code dnsmessage.RCode // of all answers
}

// serve runs a DNS server and returns a resolver that asks it and no other.
func serve(t *testing.T, known *answers) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			if reply, err := known.reply(buf[:n]); err != nil {
				t.Errorf("answer question: %v", err)
			} else if _, err := conn.WriteTo(reply, from); err != nil {
				t.Errorf("send answer: %v", err)
			}
		}
	})
	t.Cleanup(func() {
		_ = conn.Close() // the loop has no other way to end
		served.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (k *answers) reply(question []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Header.Response, m.Header.Authoritative, m.Header.RCode = true, true, k.code
	m.Additionals = nil
	q := m.Questions[0]
	name := q.Name.String()
	if k.code == dnsmessage.RCodeSuccess && k.srv[name] == nil && k.a[name] == nil {
		m.Header.RCode = dnsmessage.RCodeNameError
	}
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type, TTL: 1}
	if q.Type == dnsmessage.TypeSRV {
		for _, r := range k.srv[name] {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &r})
		}
	}
	if q.Type == dnsmessage.TypeA {
		for _, a := range k.a[name] {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a}})
		}
	}
	return m.Pack()
}

func target(t *testing.T, host string, port uint16) dnsmessage.SRVResource {
	t.Helper()
	name, err := dnsmessage.NewName(host)
	if err != nil {
		t.Fatal(err)
	}
	return dnsmessage.SRVResource{Priority: 1, Weight: 1, Port: port, Target: name}
}

func lease(address string, roles ...string) node.Lease {
	return node.Lease{Node: node.Node{ID: address, Roles: roles, Address: address}}
}

func TestNodesAreReadFromServiceAndAddressRecords(t *testing.T) {
	known := &answers{
		srv: map[string][]dnsmessage.SRVResource{
			"_http._tcp.collector.test.": {target(t, "c-1.test.", 8081), target(t, "c-0.test.", 8080)},
			"_http._tcp.api.test.":       {target(t, "c-0.test.", 8080)},
			"_http._tcp.nobody.test.":    {target(t, ".", 0)},
		},
		a: map[string][][4]byte{"processor.test.": {{10, 0, 0, 2}, {10, 0, 0, 1}}},
	}
	s, err := New(Config{Names: []Name{
		{Role: "collector", Name: "_http._tcp.collector.test."},
		{Role: "api", Name: "_http._tcp.api.test."},
		{Role: "gateway", Name: "_http._tcp.nobody.test."},
		{Role: "processor", Name: "processor.test.", Port: 9000},
	}}, serve(t, known))
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Leases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []node.Lease{
		lease("10.0.0.1:9000", "processor"), lease("10.0.0.2:9000", "processor"),
		lease("c-0.test:8080", "api", "collector"), lease("c-1.test:8081", "collector"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leases (-want +got):\n%s", diff)
	}
}

// W2: whatever is not an answer must not look like an empty installation.
func TestW2_FailedLookupIsAnErrorAndNoEmptyList(t *testing.T) {
	known := &answers{a: map[string][][4]byte{"api.test.": {{10, 0, 0, 1}}}}
	resolver := serve(t, known)
	for name, names := range map[string][]Name{
		"one name of two is unknown": {{Role: "api", Name: "api.test.", Port: 1}, {Role: "collector", Name: "gone.test.", Port: 1}},
		"no such service":            {{Role: "api", Name: "_http._tcp.gone.test."}},
	} {
		s, err := New(Config{Names: names}, resolver)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Leases(t.Context()); err == nil {
			t.Errorf("%s: got %v and no error", name, got)
		}
	}
	s, err := New(Config{Names: []Name{{Role: "api", Name: "api.test.", Port: 1}}}, resolver)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Leases(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	known.mu.Lock()
	known.code = dnsmessage.RCodeServerFailure
	known.mu.Unlock()
	if got, err := s.Leases(t.Context()); err == nil {
		t.Errorf("server failure: got %v and no error", got)
	}
}

func TestLookupEndsWithItsContextWhenDNSIsSilent(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	s, err := New(Config{Names: []Name{{Role: "api", Name: "api.test.", Port: 1}}}, resolver)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := s.Leases(ctx); err == nil {
		t.Errorf("got %v and no error", got)
	}
}

func TestConfigThatCannotBeAskedIsRefused(t *testing.T) {
	for _, names := range [][]Name{nil, {{Role: "", Name: "a."}}, {{Role: "api"}}, {{Role: "api", Name: "a.", Port: -1}}, {{Role: "api", Name: "a.", Port: 65536}}} {
		if _, err := New(Config{Names: names}, nil); err == nil {
			t.Errorf("%v is taken", names)
		}
	}
}
