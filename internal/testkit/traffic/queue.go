// Queue: what happens next in simulated time.
package traffic

// turn is a moment at which a session or a copy is due.
type turn struct {
	at   int64  // milliseconds
	seq  uint64 // of insertion: moments that are equal keep their order (F1)
	item int    // index of a session, or of a copy as -1-index
}

func (t turn) before(u turn) bool { return t.at < u.at || t.at == u.at && t.seq < u.seq }

// queue is a binary heap of turns.
type queue struct {
	turns []turn
	seq   uint64
}

func (q *queue) push(at int64, item int) {
	q.seq++
	t := turn{at, q.seq, item}
	q.turns = append(q.turns, t)
	i := len(q.turns) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !t.before(q.turns[up]) {
			break
		}
		q.turns[i] = q.turns[up]
		i = up
	}
	q.turns[i] = t
}

// pop removes the first turn; the queue must not be empty.
func (q *queue) pop() turn {
	first := q.turns[0]
	n := len(q.turns) - 1
	t := q.turns[n]
	q.turns = q.turns[:n]
	i := 0
	for {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && q.turns[down+1].before(q.turns[down]) {
			down++
		}
		if !q.turns[down].before(t) {
			break
		}
		q.turns[i] = q.turns[down]
		i = down
	}
	if n > 0 {
		q.turns[i] = t
	}
	return first
}
