// replay: count final days again, show what would differ, and switch if asked to.
package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/replay"
)

type replayCmd struct {
	DataDir     string `help:"Data directory of the running server (with --rebuild: of the stopped one); none in a cluster." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	Property    string `help:"Property id." placeholder:"ID"`
	From        string `help:"First day, such as 2026-03-01; the first there is if left out." placeholder:"DATE"`
	To          string `help:"Last day; the last final one if left out." placeholder:"DATE"`
	Definitions string `help:"JSON file of changed settings: timeZone, currency, sessionTimeout, keyEvents, channelRules, ignoredReferrers." type:"existingfile" placeholder:"FILE"`
	Apply       bool   `help:"Switch to the replayed days, and count by the changed settings from now on."`
	Rebuild     bool   `help:"Make state and store anew from log and archive, while no server runs. In a cluster (a configuration with clickhouse, and no data directory): put back what an empty database has lost, while no processor runs."`
	Scratch     string `help:"In a cluster: directory for the rows of these days while they are counted; that of temporary files if left out." type:"existingdir" placeholder:"DIR"`
	Config      string `help:"Configuration file, with --rebuild and in a cluster: where it names clickhouse and no data directory is given, days of the cluster are counted again." type:"existingfile" env:"TIDEMARK_CONFIG" placeholder:"FILE"`
	output
}

// ReplayOrder is what the command asks of the server. Days are as 2026-03-01.
type ReplayOrder struct {
	Property    string             `json:"property"`
	From        string             `json:"from"`
	To          string             `json:"to"`
	Definitions replay.Definitions `json:"definitions"`
}

// SharedReplay is what the command orders in a cluster.
type SharedReplay struct {
	ReplayOrder
	Apply   bool
	Scratch string // "": where temporary files are
}

// ReplayResult is what the server found. Applied is for the reader of --json.
type ReplayResult struct {
	Property   string            `json:"property"`
	From       string            `json:"from"`
	To         string            `json:"to"`
	Derived    int64             `json:"derivedEvents"`
	Kept       int64             `json:"keptEvents"`
	Difference replay.Difference `json:"difference"`
	Applied    bool              `json:"applied"`
}

// ReplayLine is a line of the server's answer: progress, or at the end a result or an error.
type ReplayLine struct {
	Stage  string        `json:"stage,omitempty"`
	Share  float64       `json:"share,omitempty"`
	Result *ReplayResult `json:"result,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// Rebuilt is what a rebuild says of itself.
type Rebuilt struct {
	// Archive: final days were taken over, not folded again.
	Archive bool `json:"archive"`
	// RestoredDays is how many of them came from the archive in an object store.
	RestoredDays int   `json:"restoredDays,omitempty"`
	Records      int64 `json:"records"`
	// Term is that of a cluster's store in which days were put back; Present is how many properties had
	// all of theirs already.
	Term    uint64 `json:"term,omitempty"`
	Present int    `json:"presentProperties,omitempty"`
	// Partitions is how many partitions of a cluster begin again where its topic begins; processors fold Records anew.
	Partitions int `json:"partitions,omitempty"`
	// Missing are days of which neither archive nor topic has all events.
	Missing []MissingDays `json:"missing,omitempty"`
	// Whole is false if the log no longer begins at its beginning and there was no archive:
	// days before LogFrom are gone, and the first days behind it may lack events. In a cluster: if there are Missing ones.
	Whole   bool      `json:"whole"`
	LogFrom time.Time `json:"logFrom"`
}

func (c *replayCmd) Run(ctx context.Context, env *Env) error {
	if c.Rebuild {
		return c.rebuild(ctx, env)
	}
	order, err := c.order()
	if err != nil {
		return err
	}
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	result, err := c.replay(ctx, env, order, &bar)
	bar.clear()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, result)
	}
	return drawReplay(env.Stdout, terminalOf(env.Stdout), result)
}

// replay has it done where the days are.
func (c *replayCmd) replay(ctx context.Context, env *Env, order ReplayOrder, bar *progressBar) (*ReplayResult, error) {
	if c.Config != "" && c.DataDir == "" {
		serving, err := choices{Config: c.Config}.serving(env, c.JSON)
		if err != nil {
			return nil, err
		}
		if serving.Config.OnClickHouse() {
			return env.Programs.ReplayShared(ctx, serving, SharedReplay{ReplayOrder: order, Apply: c.Apply, Scratch: c.Scratch}, bar.show)
		}
	}
	op := newOperatorClient(dataDir{c.DataDir}.dir())
	result, err := op.replay(ctx, order, bar.show)
	if err != nil {
		return nil, err
	}
	if !c.Apply {
		return result, op.post(ctx, "/replays/discard")
	}
	err = op.post(ctx, "/replays/apply")
	result.Applied = err == nil
	return result, err
}

// order reads the flags.
func (c *replayCmd) order() (ReplayOrder, error) {
	o := ReplayOrder{Property: c.Property, From: "1970-01-01", To: time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)}
	if c.Property == "" {
		return o, usagef("--property is needed: tidemark property list shows them")
	}
	for _, day := range []struct {
		flag, text string
		to         *string
	}{{"--from", c.From, &o.From}, {"--to", c.To, &o.To}} {
		if day.text == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, day.text); err != nil {
			return o, usagef("%s: %q is no day such as 2026-03-01", day.flag, day.text)
		}
		*day.to = day.text
	}
	if o.From > o.To {
		return o, usagef("--from %s is after --to %s", o.From, o.To)
	}
	if c.Definitions == "" {
		return o, nil
	}
	text, err := os.ReadFile(c.Definitions)
	if err != nil {
		return o, fmt.Errorf("read definitions: %w", err)
	}
	if o.Definitions, err = replay.ParseDefinitions(text); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

func (c *replayCmd) rebuild(ctx context.Context, env *Env) error {
	serving, err := choices{Config: c.Config, DataDir: c.DataDir}.serving(env, c.JSON)
	if err != nil {
		return err
	}
	if isShared(serving, c.DataDir) {
		return restoreShared(ctx, env, serving, RestoreOrder{Anyway: true}, c.JSON)
	}
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	done, err := env.Programs.Rebuild(ctx, serving, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, done)
	}
	from := "the log alone"
	if done.RestoredDays > 0 {
		from = fmt.Sprintf("%d archived days and the log", done.RestoredDays)
	} else if done.Archive {
		from = "the archive of final days and the log"
	}
	fmt.Fprintf(env.Stdout, "State and store were made anew from %s: %d records.\n", from, done.Records)
	if !done.Whole {
		_, err = fmt.Fprintf(env.Stdout, "The log begins at %s and there was no archive: what happened before is gone, and the first days "+
			"behind it may lack events. A backup has them.\n", done.LogFrom.Format(time.RFC3339))
	}
	return err
}

// operatorClient speaks to a running server over the socket in its data directory.
type operatorClient struct{ http *http.Client }

func newOperatorClient(dataDir string) *operatorClient {
	return &operatorClient{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", config.OperatorSocket(dataDir))
			if err != nil {
				return nil, fmt.Errorf("no server runs on %s: %w", dataDir, err)
			}
			return conn, nil
		}}}}
}

func (c *operatorClient) send(ctx context.Context, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://operator"+path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask server: %w", err)
	}
	return r, nil
}

// replay orders one and follows it to its result.
func (c *operatorClient) replay(ctx context.Context, o ReplayOrder, show func(string, float64)) (*ReplayResult, error) {
	r, err := c.send(ctx, "/replays", o)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return readReplay(r.Body, show)
}

// readReplay reads the lines of an answer.
func readReplay(r io.Reader, show func(string, float64)) (*ReplayResult, error) {
	lines := json.NewDecoder(bufio.NewReader(io.LimitReader(r, maxAnswer)))
	for {
		var l ReplayLine
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the server ended before the replay did: nothing was changed")
		case err != nil:
			return nil, fmt.Errorf("read answer: %w", err)
		case l.Error != "":
			return nil, errors.New(safe(l.Error))
		case l.Result != nil:
			return l.Result, nil
		}
		show(l.Stage, l.Share)
	}
}

func (c *operatorClient) post(ctx context.Context, path string) error {
	r, err := c.send(ctx, path, struct{}{})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var l ReplayLine
	if err := json.NewDecoder(r.Body).Decode(&l); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if l.Error != "" || r.StatusCode != http.StatusOK {
		return fmt.Errorf("server says: %s", safe(strings.TrimSpace(l.Error)))
	}
	return nil
}
