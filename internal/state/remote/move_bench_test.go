// What moving a state costs. It prints and asserts nothing:
//
//	go test -run '^$' -bench Move -benchtime 1x -timeout 30m ./internal/state/remote
//
// TIDEMARK_MOVE_CLIENTS is how many clients of 1,000 bytes the state has (default
// 1,000,000).
package remote

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tidemark/internal/blob"
	"tidemark/internal/blob/s3blob"
	"tidemark/internal/event"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/testkit/objectserver"
)

// bench is a state that changes and is saved.
type bench struct {
	b       *testing.B
	dir     string // for everything
	clients int
	rng     *rand.Rand
	live    *pebblestate.State
	seq     uint64
	owner   *Owner
	saves   *Saves
}

func BenchmarkMove(b *testing.B) {
	clients := 1_000_000
	if text := os.Getenv("TIDEMARK_MOVE_CLIENTS"); text != "" {
		var err error
		if clients, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name       string
		open       func(*testing.B) blob.Store
		flushFirst bool
	}{
		{"dir", func(b *testing.B) blob.Store { return newStore(b, b.TempDir()) }, false},
		{"s3", bucketOnLoopback, false},
		{"dir_flushed_before_each_copy", func(b *testing.B) blob.Store { return newStore(b, b.TempDir()) }, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				m := &bench{b: b, dir: b.TempDir(), clients: clients, rng: rand.New(rand.NewPCG(1, 2))}
				m.saves = newSaves(b, c.open(b))
				m.fill()
				m.whole()
				m.increments(c.flushFirst)
				m.difference()
				if err := m.live.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bucketOnLoopback(b *testing.B) blob.Store {
	server, err := objectserver.Start(b.Context(), objectserver.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Close(); err != nil {
			b.Error(err)
		}
	})
	c := s3blob.DefaultConfig()
	c.Endpoint, c.Bucket, c.PathStyle = server.URL(), server.NewBucket(b), true
	c.AccessKey, c.SecretKey = objectserver.AccessKey, objectserver.SecretKey
	s, err := s3blob.Open(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	return s
}

func (m *bench) must(err error) {
	m.b.Helper()
	if err != nil {
		m.b.Fatal(err)
	}
}

func openState(t testing.TB, dir string) *pebblestate.State {
	t.Helper()
	s, err := pebblestate.Open(pebblestate.Config{Dir: dir, CacheBytes: 8 << 20, Portable: true}, pebblestate.Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// commit writes the clients that next gives, until it gives a negative one.
func (m *bench) commit(next func() int) {
	m.b.Helper()
	c := m.live.Begin()
	defer c.Abandon()
	value := make([]byte, 1000)
	for i := next(); i >= 0; i = next() {
		for at := 0; at < len(value); at += 8 {
			for k, v := 0, m.rng.Uint64(); k < 8; k, v = k+1, v>>8 {
				value[at+k] = byte(v)
			}
		}
		m.must(c.Client(event.Partition(7), fmt.Appendf(nil, "client %08d", i), value))
	}
	m.must(c.Finish(m.b.Context(), &state.Meta{}))
}

func (m *bench) fill() {
	m.owner = owner(m.b, m.saves, 1)
	dir, _ := fetch(m.b, m.owner, "", filepath.Join(m.dir, "one"))
	m.live = openState(m.b, dir)
	for from := 0; from < m.clients; from += 5000 {
		i := from - 1
		m.commit(func() int {
			if i++; i >= min(from+5000, m.clients) {
				return -1
			}
			return i
		})
	}
	m.must(m.live.Purge(m.b.Context(), 7, nil))
}

// change changes n clients anywhere.
func (m *bench) change(n int) {
	m.commit(func() int {
		if n--; n < 0 {
			return -1
		}
		return m.rng.IntN(m.clients)
	})
}

// save copies and saves, and returns how long each took.
func (m *bench) save() (stats Stats, copying, saving time.Duration) {
	m.b.Helper()
	m.seq++
	dir := filepath.Join(m.dir, "copy")
	begun := time.Now()
	m.must(m.live.Copy(m.b.Context(), dir))
	copying = time.Since(begun)
	begun = time.Now()
	stats = save(m.b, m.owner, m.name(), dir)
	saving = time.Since(begun)
	m.must(os.RemoveAll(dir))
	return stats, copying, saving
}

func (m *bench) name() string { return fmt.Sprintf("7/1-%d", m.seq) }

func (m *bench) whole() {
	stats, copying, saving := m.save()
	m.b.Logf("first save: %d bytes, %d calls, copy %v, save %v", stats.Moved, stats.Calls, copying, saving)
	begun := time.Now()
	dir, stats := fetch(m.b, owner(m.b, m.saves, 2), m.name(), filepath.Join(m.dir, "two"))
	fetching := time.Since(begun)
	begun = time.Now()
	m.must(openState(m.b, dir).Close())
	m.b.Logf("fetch of all: %d bytes, %d calls, %v; open and close %v", stats.Moved, stats.Calls, fetching, time.Since(begun))
}

// increments are many, since compactions come now and then.
func (m *bench) increments(flushFirst bool) {
	const saves = 100
	var sum, most Stats
	var copying, saving, slowest time.Duration
	for range saves {
		m.change(1000)
		if flushFirst {
			m.must(m.live.Purge(m.b.Context(), 7, nil))
		}
		stats, c, s := m.save()
		sum.Moved, sum.Calls = sum.Moved+stats.Moved, sum.Calls+stats.Calls
		most.Moved, most.Calls = max(most.Moved, stats.Moved), max(most.Calls, stats.Calls)
		copying, saving, slowest = copying+c, saving+s, max(slowest, c+s)
	}
	m.b.Logf("save after 1,000 changed clients, mean of %d: %d bytes (most %d), %d calls (most %d), copy %v, save %v (slowest both %v)", saves,
		sum.Moved/saves, most.Moved, sum.Calls/saves, most.Calls, copying/saves, saving/saves, slowest)
	begun := time.Now()
	pruned, err := m.owner.Prune(m.b.Context(), m.name())
	m.must(err)
	m.b.Logf("prune after that: %+v, %v", pruned, time.Since(begun))
}

// difference: 1 % of the clients change, and a node that has the state of before
// fetches.
func (m *bench) difference() {
	root := filepath.Join(m.dir, "three")
	fetch(m.b, owner(m.b, m.saves, 3), m.name(), root)
	for range 10 {
		m.change(m.clients / 1000)
	}
	stats, copying, saving := m.save()
	m.b.Logf("save after 1 %% changed: %d bytes, %d calls, copy %v, save %v", stats.Moved, stats.Calls, copying, saving)
	begun := time.Now()
	_, stats = fetch(m.b, owner(m.b, m.saves, 4), m.name(), root)
	m.b.Logf("fetch of the difference: %d bytes moved, %d reused, %d calls, %v", stats.Moved, stats.Reused, stats.Calls, time.Since(begun))
}
