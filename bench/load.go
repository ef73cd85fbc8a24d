// Load: keep-alive connections that send requests and wait for each answer. A
// bare loop over a socket: a client library would take the processor from the
// server that is measured.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// load is a set of senders, each with its own connections and requests.
type load struct {
	senders []*sender
}

type sender struct {
	requests []request
	next     int
	pass     int
	key      uint64
	change   func(r *request) // the last word before one is sent, or nil
}

// newLoad deals requests out to n senders.
func newLoad(requests []request, n int) *load {
	l := &load{}
	for i := range n {
		s := &sender{key: uint64(time.Now().UnixNano())<<20 ^ uint64(i)<<52}
		for j := i; j < len(requests); j += n {
			s.requests = append(s.requests, requests[j])
		}
		l.senders = append(l.senders, s)
	}
	return l
}

// outcome is what a run of a load saw.
type outcome struct {
	events, requests int
	busy             int // answers 503
	took             time.Duration
	cpu              time.Duration // of the load generator
	waits            []float64     // seconds from request to answer, sampled
}

func (o *outcome) eventsPerSecond() float64 { return float64(o.events) / o.took.Seconds() }

// burst sends as fast as answers come, for a time.
func (l *load) burst(ctx context.Context, address string, length time.Duration) (*outcome, error) {
	return l.run(ctx, address, length, 0)
}

// run sends for a time; rate is events a second over all senders, 0: as fast
// as answers come.
func (l *load) run(ctx context.Context, address string, length time.Duration, rate float64) (*outcome, error) {
	cpu, began := ownCPU(), time.Now()
	outcomes, errs := make([]outcome, len(l.senders)), make([]error, len(l.senders))
	var wg sync.WaitGroup
	for i, s := range l.senders {
		wg.Go(func() {
			errs[i] = s.run(ctx, address, began, i, length, rate/float64(len(l.senders)), &outcomes[i])
		})
	}
	wg.Wait()
	total := &outcome{took: time.Since(began), cpu: ownCPU() - cpu}
	for _, o := range outcomes {
		total.events += o.events
		total.requests += o.requests
		total.busy += o.busy
		total.waits = append(total.waits, o.waits...)
	}
	return total, errors.Join(errs...)
}

func (s *sender) run(ctx context.Context, address string, began time.Time, index int, length time.Duration,
	rate float64, out *outcome) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 4096)
	end := began.Add(length)
	due := began
	if rate > 0 { // spread the senders over the time between two requests
		due = began.Add(time.Duration(float64(index) / 61 * float64(time.Second) * float64(s.requests[0].events) / rate))
	}
	for ctx.Err() == nil {
		now := time.Now()
		if rate > 0 {
			if wait := due.Sub(now); wait > 0 {
				time.Sleep(wait)
				now = time.Now()
			}
			due = due.Add(time.Duration(float64(s.requests[s.next].events) / rate * float64(time.Second)))
		}
		if !now.Before(end) {
			return nil
		}
		events, err := s.send(conn, answers)
		if err != nil {
			return err
		}
		if events == 0 {
			out.busy++
		}
		out.events += events
		out.requests++
		if out.requests%8 == 0 {
			out.waits = append(out.waits, time.Since(now).Seconds())
		}
	}
	return ctx.Err()
}

// send sends the next request and returns how many events were accepted.
func (s *sender) send(conn net.Conn, answers *bufio.Reader) (int, error) {
	r := &s.requests[s.next]
	r.stamp(&s.key, s.pass)
	if s.change != nil {
		s.change(r)
	}
	if s.next++; s.next == len(s.requests) {
		s.next = 0
		s.pass++
	}
	if _, err := conn.Write(r.bytes); err != nil {
		return 0, fmt.Errorf("send: %w", err)
	}
	status, err := readAnswer(answers)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read answer: %w", err)
	case status == 503:
		return 0, nil
	case status/100 != 2:
		return 0, fmt.Errorf("the answer was %d to\n%s", status, r.bytes)
	}
	return r.events, nil
}

// meetAll sends each request until it is accepted, and returns how many answers
// asked to try again.
func meetAll(ctx context.Context, address string, requests []request, index uint64) (busy int, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 4096)
	one := &sender{requests: requests, key: index<<56 | 1}
	for range requests {
		for i := one.next; ctx.Err() == nil; one.next = i {
			n, err := one.send(conn, answers)
			if err != nil {
				return busy, err
			}
			if n > 0 {
				break
			}
			busy++
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return busy, err
			}
		}
	}
	return busy, ctx.Err()
}

// readAnswer reads one answer with a Content-Length and drops its body.
func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, errors.New("the answer is not HTTP")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, errors.New("the answer has no status")
	}
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(rest))); err != nil {
				return 0, errors.New("the answer's length is no number")
			}
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}
