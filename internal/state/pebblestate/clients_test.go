// All clients of a partition, and no others.
package pebblestate

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/state"
)

func TestClientsAreThoseOfThePartition(t *testing.T) {
	s := openAt(t, t.TempDir(), false)
	defer s.Close()
	c := s.Begin()
	want := map[event.Partition][]string{}
	for _, p := range []event.Partition{0, 1, 255, 256, 1<<16 - 1} {
		for i := range 3 {
			key := fmt.Sprintf("key%d", i)
			if err := c.Client(p, []byte(key), fmt.Appendf(nil, "value of %d %d", p, i)); err != nil {
				t.Fatal(err)
			}
			want[p] = append(want[p], fmt.Sprintf("%s=value of %d %d", key, p, i))
		}
	}
	if err := c.Finish(t.Context(), &state.Meta{}); err != nil {
		t.Fatal(err)
	}
	c.Abandon()
	for _, p := range []event.Partition{0, 1, 2, 255, 256, 1<<16 - 1} {
		var got []string
		err := s.Clients(t.Context(), p, func(key, value []byte) error {
			got = append(got, fmt.Sprintf("%s=%s", key, value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[p], got); diff != "" {
			t.Errorf("partition %d (-want +got):\n%s", p, diff)
		}
	}
}
