// Insert: the rows of a batch are put in once, however often it is tried (U1).
//
// Each block is one INSERT of one table and day with a token that names it.
// ClickHouse writes such a block as one part, whole or not at all, and drops another
// with a token that it remembers. That leaves two gaps (docs/facts/clickhouse.md):
//
//   - It remembers so many blocks only. Who comes later is not told.
//   - On one server the token is noted before the part is there. Killed in between, it
//     drops the block for ever after, and has no rows of it.
//
// So whoever does not know better looks at the rows themselves, before and after. One
// knows better who inserted the batch before this one, within the last minute, on
// a server that has not been started again since: nobody can have tried this batch before,
// but somebody who does so at this moment.
package clickstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tidemark/internal/store"
)

// trustFor is how long the insert of a batch tells something about the next.
const trustFor = time.Minute

// maxAttempts is how many tokens a block may have had whose rows were lost.
const maxAttempts = 5

// insertsAtOnce is how many blocks of a batch are on their way together. None of them can be
// seen before the batch is published, so their order does not matter.
const insertsAtOnce = 4

// lane is the last batch of a partition that was inserted by this Store.
type lane struct {
	seq   uint64
	began time.Time // when its insert began
}

// Insert implements store.Shared.
func (s *Store) Insert(ctx context.Context, id store.BatchID, b *store.SharedBatch) error {
	if err := s.checkBatch(id); err != nil {
		return err
	}
	began := time.Now()
	blocks := encode(id, b)
	if err := s.insert(ctx, id, blocks, s.follows(id)); err != nil {
		return fmt.Errorf("insert batch %s/%d/%d: %w", id.Log, id.Partition, id.Seq, err)
	}
	s.inserted(id, began)
	s.tel.inserts.Observe(seconds(began))
	for _, b := range blocks {
		s.tel.rows.WithLabelValues(b.table).Add(float64(b.rows))
	}
	return nil
}

func (s *Store) checkBatch(id store.BatchID) error {
	switch {
	case id.Log != s.cfg.Log:
		return fmt.Errorf("batch is of log %q: the store was opened for log %q", id.Log, s.cfg.Log)
	case id.Seq == 0:
		return fmt.Errorf("batch of partition %d has no number", id.Partition)
	}
	return s.check()
}

// follows returns when the insert began of the batch before id, if this Store inserted it
// just now; else the zero time.
func (s *Store) follows(id store.BatchID) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lanes[id.Partition]
	// What follows a batch is tried once with trust: an error leaves no lane.
	delete(s.lanes, id.Partition)
	if !ok || l.seq+1 != id.Seq || time.Since(l.began) > trustFor {
		return time.Time{}
	}
	return l.began
}

func (s *Store) inserted(id store.BatchID, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes[id.Partition] = lane{seq: id.Seq, began: began}
}

// insert puts blocks in. since is when nobody had tried them yet; zero if that is not known.
func (s *Store) insert(ctx context.Context, id store.BatchID, blocks []*block, since time.Time) error {
	missing := blocks
	if since.IsZero() {
		var err error
		if missing, err = s.missing(ctx, id, blocks); err != nil {
			return err
		}
		s.tel.repeated.Add(float64(len(blocks) - len(missing)))
	}
	for attempt := 0; len(missing) > 0; attempt++ {
		if attempt == maxAttempts {
			return fmt.Errorf("clickhouse drops %d blocks as repeated and has no rows of them", len(missing))
		}
		if err := s.send(ctx, id, missing, attempt); err != nil {
			return err
		}
		certain, err := s.certain(ctx, since)
		if err != nil || certain {
			return err
		}
		if missing, err = s.missing(ctx, id, missing); err != nil {
			return err
		}
		if len(missing) > 0 {
			s.tel.lost.Add(float64(len(missing)))
			s.log.WarnContext(ctx, "clickhouse knew blocks and had no rows of them; inserting them again",
				"partition", id.Partition, "seq", id.Seq, "blocks", len(missing))
		}
	}
	return nil
}

// certain says whether blocks that were acknowledged are there, because no server was
// started again since nobody had tried them. Replicated tables note a token and its part in one step.
func (s *Store) certain(ctx context.Context, since time.Time) (bool, error) {
	if s.cfg.Replicas > 1 {
		return true, nil
	}
	if since.IsZero() {
		return false, nil
	}
	from := "system.one"
	if s.cfg.Cluster != "" {
		from = "clusterAllReplicas(" + s.cfg.Cluster + ", system.one)"
	}
	up, err := s.number(ctx, "SELECT toUInt64(min(uptime())) FROM "+from)
	if err != nil {
		return false, fmt.Errorf("ask for uptime: %w", err)
	}
	return float64(up) > seconds(since)+1, nil // uptime is in whole seconds
}

// send inserts blocks.
func (s *Store) send(ctx context.Context, id store.BatchID, blocks []*block, attempt int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(insertsAtOnce)
	for _, b := range blocks {
		group.Go(func() error {
			set := s.insertSettings()
			set["insert_deduplication_token"] = token(id, b.blockID, attempt)
			err := s.client.do(ctx, request{sql: "INSERT INTO " + b.table + " (" + columnsOf(b.table) + ") FORMAT RowBinary",
				rows: b.body, settings: set, timeout: s.cfg.InsertTimeout}, nil)
			if err != nil {
				return fmt.Errorf("block %v of %d rows: %w", b.blockID, b.rows, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// token names a block; a later attempt has another name, since ClickHouse drops
// what it believes to know.
func token(id store.BatchID, b blockID, attempt int) string {
	t := fmt.Sprintf("%s/%d/%d/%v", id.Log, id.Partition, id.Seq, b)
	if attempt > 0 {
		t += fmt.Sprintf("/again%d", attempt)
	}
	return t
}

// insertSettings make one block of a body, and one part of that.
func (s *Store) insertSettings() settings {
	set := limited(s.cfg.InsertTimeout)
	for name, v := range map[string]string{
		"async_insert":                    "0",
		"insert_deduplicate":              "1",
		"max_insert_block_size":           fmt.Sprint(4 * blockRows),
		"min_insert_block_size_rows":      fmt.Sprint(4 * blockRows),
		"min_insert_block_size_bytes":     "0", // rows alone decide
		"max_insert_threads":              "1",
		"input_format_parallel_parsing":   "0",
		"max_partitions_per_insert_block": "1",
		"distributed_foreground_insert":   "1",
	} {
		set[name] = v
	}
	if s.cfg.Replicas > 1 {
		set["insert_quorum"] = fmt.Sprint(s.cfg.Replicas)
		set["insert_quorum_parallel"] = "1"
		set["insert_quorum_timeout"] = fmt.Sprint(s.cfg.InsertTimeout.Milliseconds())
	}
	return set
}

// missing returns the blocks that have no rows and should. All rows of a batch were there when it was
// published; what is missing of it was erased or tidied up since, and must not come back. Asked
// afterwards, since rows are taken from published batches only.
func (s *Store) missing(ctx context.Context, id store.BatchID, blocks []*block) ([]*block, error) {
	out, err := s.without(ctx, id, blocks)
	if err == nil && len(out) == 0 {
		return nil, nil
	}
	published, askErr := s.number(ctx, fmt.Sprintf("SELECT toUInt64(max(seq)) FROM progress WHERE batch_log = %s AND batch_partition = %d",
		quote(id.Log), id.Partition))
	switch {
	case askErr != nil:
		return nil, fmt.Errorf("read progress: %w", askErr)
	case published >= id.Seq:
		return nil, nil
	}
	return out, err
}

// without returns the blocks that have no rows.
func (s *Store) without(ctx context.Context, id store.BatchID, blocks []*block) ([]*block, error) {
	if len(blocks) == 0 {
		return nil, nil
	}
	days := map[string]map[string]bool{}
	for _, b := range blocks {
		if days[b.table] == nil {
			days[b.table] = map[string]bool{}
		}
		days[b.table][sqlDay(b.day)] = true
	}
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(days)) {
		parts = append(parts, fmt.Sprintf("SELECT %s AS t, toInt32(day) AS d, batch_block AS b, count() AS n FROM %s WHERE day IN (%s) AND %s GROUP BY day, batch_block",
			quote(t), t, strings.Join(slices.Sorted(maps.Keys(days[t])), ", "), ofBatch(id)))
	}
	found := map[blockID]uint64{}
	err := s.query(ctx, strings.Join(parts, "\nUNION ALL\n"), func(d *decoder) {
		found[blockID{table: d.text(), day: d.int32(), number: d.uint16()}] = d.uint64()
	})
	if err != nil {
		return nil, fmt.Errorf("look for rows: %w", err)
	}
	var out []*block
	for _, b := range blocks {
		switch n := found[b.blockID]; n {
		case 0:
			out = append(out, b)
		case uint64(b.rows):
		default:
			return nil, fmt.Errorf("block %v has %d rows in clickhouse and %d here: one name, and not the same rows, or they are in it twice",
				b.blockID, n, b.rows)
		}
	}
	return out, nil
}

// ofBatch renders the condition that a row is of a batch.
func ofBatch(id store.BatchID) string {
	return fmt.Sprintf("batch_log = %s AND batch_partition = %d AND batch_seq = %d", quote(id.Log), id.Partition, id.Seq)
}
