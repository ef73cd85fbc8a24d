// capacity: how many machines a rate of events takes.
package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/capacity"
	"tidemark/internal/config"
)

type capacityCmd struct {
	output
	EventsPerDay     float64       `arg:"" help:"Events a day, such as 1e9."`
	Peak             float64       `help:"The busiest hour over the mean." default:"3"`
	EventsPerRequest float64       `help:"Events that senders put into a request." default:"2"`
	EventsPerClient  float64       `help:"Events of a client in three days." default:"15"`
	Reports          float64       `help:"Reports a second at the peak." default:"50"`
	LogDays          float64       `help:"Days for which the log is kept." default:"7"`
	HistoryDays      float64       `help:"Days for which rows are kept." default:"400"`
	BatchInterval    time.Duration `help:"How long a partition gathers a batch." default:"1s"`
	Cores            float64       `help:"Cores of a machine." default:"16"`
	Busy             float64       `help:"Share of a core that may be busy at the peak." default:"0.6"`
	Disk             string        `help:"Disk of a machine that may be full." default:"4 TB"`
	Network          string        `help:"Bytes a second of a machine's network." default:"1 GB"`
}

func (c *capacityCmd) Run(env *Env) error {
	m := capacity.Machine{Cores: c.Cores, Busy: c.Busy}
	for _, size := range []struct {
		flag, text string
		to         *float64
	}{{"--disk", c.Disk, &m.Disk}, {"--network", c.Network, &m.Network}} {
		n, err := config.ParseSize(size.text)
		if err != nil {
			return usagef("%s: %v", size.flag, err)
		}
		*size.to = float64(n)
	}
	load := capacity.Load{EventsPerDay: c.EventsPerDay, Peak: c.Peak, EventsPerRequest: c.EventsPerRequest,
		EventsPerClient: c.EventsPerClient, ReportsPerSecond: c.Reports, LogDays: c.LogDays, HistoryDays: c.HistoryDays,
		BatchInterval: c.BatchInterval}
	plan, err := capacity.For(load, m, capacity.Measured())
	if err != nil {
		return usagef("%v", err)
	}
	if c.JSON {
		return printJSON(env.Stdout, plan)
	}
	return drawPlan(env.Stdout, plan)
}

func drawPlan(w io.Writer, p capacity.Plan) error {
	fmt.Fprintf(w, "%s events/s, %s at the peak, in %d partitions\n\n", short(p.MeanRate), short(p.PeakRate), p.Partitions)
	rows := [][]string{{"ROLE", "MACHINES", "CORES", "DISK", "NETWORK", "WHAT DECIDES"}}
	for _, r := range p.Roles {
		rows = append(rows, []string{r.Name, strconv.Itoa(r.Machines), strconv.FormatFloat(math.Ceil(r.Cores), 'f', 0, 64),
			bytesText(r.Disk), bytesText(r.Network) + "/s", r.Why})
	}
	columns(w, rows)
	fmt.Fprintf(w, "\nDatabase of intents: %s synced transactions/s. Object storage: %s writes/s.\n", short(p.DatabaseCalls), short(p.ObjectPuts))
	for _, l := range p.Limits {
		fmt.Fprintln(w, "! "+l)
	}
	_, err := fmt.Fprintln(w, "\nFrom costs measured on one machine (docs/scale.md). Measure yours: go run ./bench")
	return err
}

// short writes a number with three digits and a unit.
func short(n float64) string { return scaled(n, []string{"", "k", "M", "G", "T"}) }

// bytesText writes a number of bytes; none as a dash.
func bytesText(n float64) string {
	if n == 0 {
		return "-"
	}
	return scaled(n, []string{" B", " kB", " MB", " GB", " TB", " PB", " EB"})
}

func scaled(n float64, units []string) string {
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	text := strconv.FormatFloat(n, 'f', max(0, 2-int(math.Log10(max(1, n)))), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + units[i]
}
