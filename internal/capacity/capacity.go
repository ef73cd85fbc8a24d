// Load, costs and machines, and the formulas between them.
package capacity

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Load is what is asked for.
type Load struct {
	EventsPerDay float64
	// Peak is the busiest hour over the mean.
	Peak float64
	// EventsPerRequest is how many events senders put into a request.
	EventsPerRequest float64
	// EventsPerClient is how many events a client sends in three days: state is kept by client.
	EventsPerClient float64
	// ReportsPerSecond at the peak, counted anew.
	ReportsPerSecond float64
	// LogDays and HistoryDays are for how long the log and the rows are kept.
	LogDays, HistoryDays float64
	// BatchInterval is how long a partition gathers a batch.
	BatchInterval time.Duration
}

// Machine is what there is of.
type Machine struct {
	Cores float64
	// Busy is the share of a core that may be busy at the peak: the rest is for the loss of a machine, and
	// for what measurements do not know.
	Busy float64
	Disk float64 // bytes that may be full
	// Network is bytes a second in one direction.
	Network float64
}

// Costs are what an event takes, as measured on one core of the machine that docs/scale.md names.
type Costs struct {
	// CollectRequest and CollectEvent are processor time of a collector.
	CollectRequest, CollectEvent time.Duration
	// FoldEvent is processor time of a processor, from the log to the store's door.
	FoldEvent time.Duration
	// InsertEvent is processor time of the store for an event with its session, merges included.
	InsertEvent time.Duration
	// Report is processor time of the store for a report of a dashboard.
	Report time.Duration
	// FollowEvent is processor time of an api, which follows the log for the ledger's counts.
	FollowEvent time.Duration
	// LogBytes and StoreBytes are on disk, one copy.
	LogBytes, StoreBytes float64
	// StateBytes is by client, on disk and in object storage.
	StateBytes float64
	// FoldRate is events a second that one partition takes: it has one core.
	FoldRate float64
	// BatchCalls and BatchPuts are calls of a batch to the intents' database, and objects that it writes.
	BatchCalls, BatchPuts float64
	// BrokerBytes is bytes a second that a broker takes with replication.
	BrokerBytes float64
	// DatabaseCalls is synced transactions a second that the intents' database takes.
	DatabaseCalls float64
}

// Copies of what is kept.
const (
	LogCopies   = 3
	StoreCopies = 2
)

// Role is a line of a Plan.
type Role struct {
	Name string `json:"role"`
	// Machines are what the largest of its needs asks for; at least two of each.
	Machines int     `json:"machines"`
	Cores    float64 `json:"cores"`
	Disk     float64 `json:"disk_bytes"`
	Network  float64 `json:"network_bytes_per_second"`
	// Why names the need that decides.
	Why string `json:"why"`
}

// Plan is what a load takes.
type Plan struct {
	MeanRate   float64 `json:"events_per_second_mean"`
	PeakRate   float64 `json:"events_per_second_peak"`
	Partitions int     `json:"partitions"`
	Roles      []Role  `json:"roles"`
	// DatabaseCalls and ObjectPuts are a second, over all partitions.
	DatabaseCalls float64 `json:"database_calls_per_second"`
	ObjectPuts    float64 `json:"object_puts_per_second"`
	// Limits say what does not grow by adding machines.
	Limits []string `json:"limits"`
}

const day = 24 * time.Hour

// Validate says what is wrong with l.
func (l Load) Validate() error {
	for _, v := range []struct {
		name  string
		value float64
	}{
		{"events a day", l.EventsPerDay}, {"events a request", l.EventsPerRequest}, {"events a client", l.EventsPerClient},
		{"days of log", l.LogDays}, {"days of history", l.HistoryDays},
	} {
		if !(v.value > 0) || math.IsInf(v.value, 0) {
			return fmt.Errorf("%s: %v is not more than 0", v.name, v.value)
		}
	}
	switch {
	case !(l.Peak >= 1) || math.IsInf(l.Peak, 0):
		return fmt.Errorf("peak: %v is not at least 1", l.Peak)
	case !(l.ReportsPerSecond >= 0):
		return errors.New("reports a second must not be negative")
	case l.BatchInterval <= 0:
		return errors.New("the batch interval must be positive")
	case l.EventsPerDay > 1e15:
		return errors.New("events a day: more than 1e15 is no load of this world")
	}
	return nil
}

// Validate says what is wrong with m.
func (m Machine) Validate() error {
	if !(m.Cores > 0) || !(m.Disk > 0) || !(m.Network > 0) {
		return errors.New("a machine needs cores, disk and network")
	}
	if !(m.Busy > 0 && m.Busy <= 1) {
		return fmt.Errorf("busy: %v is not a share above 0 and up to 1", m.Busy)
	}
	return nil
}

// For returns what l takes of machines m at costs c.
func For(l Load, m Machine, c Costs) (Plan, error) {
	if err := errors.Join(l.Validate(), m.Validate()); err != nil {
		return Plan{}, err
	}
	mean := l.EventsPerDay / day.Seconds()
	peak := mean * l.Peak
	p := Plan{MeanRate: mean, PeakRate: peak, Partitions: max(16, int(math.Ceil(peak/(c.FoldRate*m.Busy))))}
	batches := float64(p.Partitions) / l.BatchInterval.Seconds()
	p.DatabaseCalls, p.ObjectPuts = batches*c.BatchCalls, batches*c.BatchPuts

	in := peak * c.LogBytes
	p.Roles = []Role{
		role(m, "collector", peak*(c.CollectEvent.Seconds()+c.CollectRequest.Seconds()/l.EventsPerRequest), 0, in),
		// A broker takes each byte from a producer and two followers, and gives it to two and to readers.
		broker(m, "kafka broker", mean*day.Seconds()*l.LogDays*c.LogBytes*LogCopies, in*LogCopies, c.BrokerBytes),
		role(m, "processor", peak*c.FoldEvent.Seconds(), l.EventsPerDay*3/l.EventsPerClient*c.StateBytes, in),
		role(m, "clickhouse server", StoreCopies*peak*c.InsertEvent.Seconds()+l.ReportsPerSecond*c.Report.Seconds(),
			l.EventsPerDay*l.HistoryDays*c.StoreBytes*StoreCopies, StoreCopies*peak*c.StoreBytes),
		role(m, "api", peak*c.FollowEvent.Seconds(), 0, in),
	}
	if p.DatabaseCalls > c.DatabaseCalls {
		p.Limits = append(p.Limits, fmt.Sprintf("intents: %.0f synced transactions a second, and one database takes some %.0f: "+
			"a batch interval of %v or more, or a database for each group of partitions", p.DatabaseCalls, c.DatabaseCalls,
			(time.Duration(p.DatabaseCalls/c.DatabaseCalls*float64(l.BatchInterval))).Round(time.Second)+time.Second))
	}
	if in > m.Network*m.Busy {
		p.Limits = append(p.Limits, fmt.Sprintf("the log: each process that reads it follows all of it for the ledger's counts, %.1f GB a second, and a "+
			"machine's network takes %.1f: split the installation by property", in/1e9, m.Network/1e9))
	}
	if p.Partitions > 4000 {
		p.Limits = append(p.Limits, fmt.Sprintf("%d partitions: one Kafka cluster takes some thousands with ease; split the installation by property", p.Partitions))
	}
	return p, nil
}

// role says how many machines its needs take.
func role(m Machine, name string, cores, disk, network float64) Role {
	r := Role{Name: name, Cores: cores / m.Busy, Disk: disk, Network: network, Machines: 2, Why: "two, so that one may be lost"}
	for _, need := range []struct {
		why string
		n   float64
	}{
		{"processor time", r.Cores / m.Cores}, {"disk", disk / m.Disk}, {"network", network / (m.Network * m.Busy)},
	} {
		if n := int(math.Ceil(need.n)); n > r.Machines {
			r.Machines, r.Why = n, need.why
		}
	}
	return r
}

// broker is bounded by what it takes with replication, and by disk.
func broker(m Machine, name string, disk, network, takes float64) Role {
	r := role(m, name, 0, disk, network)
	if n := int(math.Ceil(network / (takes * m.Busy))); n > r.Machines {
		r.Machines, r.Why = n, "what a broker takes"
	}
	if r.Machines < LogCopies {
		r.Machines, r.Why = LogCopies, "three copies"
	}
	r.Cores = float64(r.Machines) * m.Cores
	return r
}
