// Publish: batches become visible, by one row that says how far a partition has come (U2, U3).
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/ledger"
	"tidemark/internal/store"
)

// Publish implements store.Shared. Readers take the largest Seq, so a smaller one
// changes nothing, and the same one says the same.
func (s *Store) Publish(ctx context.Context, p store.Progress) error {
	if err := s.check(); err != nil {
		return err
	}
	if p.Seq == 0 {
		return fmt.Errorf("progress of partition %d has no number", p.Partition)
	}
	row := appendText(nil, s.cfg.Log)
	row = appendUint16(row, uint16(p.Partition))
	row = appendUint64(row, p.Seq)
	row = appendUint64(row, uint64(p.Next))
	row = appendInt64(row, int64(p.Clock))
	row = appendInt64(row, int64(p.Claim))
	set := s.insertSettings()
	// A row that was there, and was lost with its part, must not be dropped as repeated.
	set["insert_deduplicate"] = "0"
	err := s.client.do(ctx, request{sql: "INSERT INTO progress (" + columnsOf(progressTable) + ") FORMAT RowBinary", rows: row,
		settings: set, timeout: s.cfg.InsertTimeout}, nil)
	if err != nil {
		return fmt.Errorf("publish batch %d of partition %d: %w", p.Seq, p.Partition, err)
	}
	return nil
}

// Progress implements store.Shared.
func (s *Store) Progress(ctx context.Context) ([]store.Progress, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var out []store.Progress
	sql := "SELECT batch_partition, max(seq), argMax(next, seq), argMax(clock, seq), argMax(claim_ns, seq)\nFROM progress\nWHERE batch_log = " +
		quote(s.cfg.Log) + "\nGROUP BY batch_partition\nORDER BY batch_partition"
	err := s.query(ctx, sql, func(d *decoder) {
		out = append(out, store.Progress{Partition: event.Partition(d.uint16()), Seq: d.uint64(), Next: event.Offset(d.uint64()),
			Clock: event.Time(d.int64()), Claim: time.Duration(d.int64())})
	})
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", queryError(err))
	}
	return out, nil
}

// Outcomes implements store.Shared.
func (s *Store) Outcomes(ctx context.Context, id event.PropertyID) (ledger.Outcomes, error) {
	var sum ledger.Outcomes
	if err := s.check(); err != nil {
		return sum, err
	}
	st, err := s.current(ctx)
	if err != nil {
		return sum, err
	}
	v, err := s.visible(ctx)
	if err != nil {
		return sum, err
	}
	var columns strings.Builder
	for _, n := range outcomeNames() {
		fmt.Fprintf(&columns, "sum(%s), ", n)
	}
	sql := fmt.Sprintf("SELECT %ssumForEach(lateness)\nFROM outcomes\nWHERE property = %s AND %s", columns.String(), propertyLiteral(id), v.condition(""))
	err = s.query(ctx, sql, func(d *decoder) {
		for _, n := range counters(&sum) {
			*n = d.int64()
		}
		for i := range d.length() {
			if n := d.int64(); i < len(sum.Lateness) {
				sum.Lateness[i] = n
			}
		}
	})
	if err != nil {
		return ledger.Outcomes{}, fmt.Errorf("read outcomes: %w", queryError(err))
	}
	erased := st.doc(id).Erased
	sum.Stored, sum.Erased = sum.Stored-erased, sum.Erased+erased
	return sum, nil
}

// visible is how far each partition of each log was published at one moment.
type visible map[string][]uint64 // by log; the index is the partition

func (s *Store) visible(ctx context.Context) (visible, error) {
	v := visible{}
	err := s.query(ctx, "SELECT batch_log, batch_partition, max(seq)\nFROM progress\nGROUP BY batch_log, batch_partition", func(d *decoder) {
		log, partition, seq := d.text(), int(d.uint16()), d.uint64()
		for len(v[log]) <= partition {
			v[log] = append(v[log], 0)
		}
		v[log][partition] = seq
	})
	if err != nil {
		return nil, fmt.Errorf("read progress: %w", queryError(err))
	}
	return v, nil
}

// condition renders that a row is of a published batch. Batches count from 1, and behind
// the end of an array stands 0. alias is that of the table, with its dot.
func (v visible) condition(alias string) string {
	var parts []string
	for _, log := range slices.Sorted(maps.Keys(v)) {
		numbers := make([]string, len(v[log]))
		for i, n := range v[log] {
			numbers[i] = strconv.FormatUint(n, 10)
		}
		parts = append(parts, fmt.Sprintf("%sbatch_log = %s AND %sbatch_seq <= [%s][%sbatch_partition + 1]",
			alias, quote(log), alias, strings.Join(numbers, ", "), alias))
	}
	if len(parts) == 0 {
		return "false"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}
