// ledger: what became of every event that was received (D6, S33).
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type ledgerCmd struct {
	server
	output
}

// ledger is the answer of the ledger API.
type ledger struct {
	Property         string           `json:"property"`
	Received         int64            `json:"received"`
	Refused          map[string]int64 `json:"refused"`
	Accepted         int64            `json:"accepted"`
	Pending          int64            `json:"pending"`
	Stored           int64            `json:"stored"`
	Duplicate        int64            `json:"duplicate"`
	TooLate          int64            `json:"tooLate"`
	Expired          int64            `json:"expired"`
	Erased           int64            `json:"erased"`
	Synthetic        int64            `json:"synthetic"`
	Unmerged         int64            `json:"unmerged"`
	Overflow         int64            `json:"overflow"`
	Balanced         bool             `json:"balanced"`
	ProcessedThrough string           `json:"processedThrough"`
}

func (c *ledgerCmd) Run(ctx context.Context, env *Env) error {
	cl, err := c.client(ctx)
	if err != nil {
		return err
	}
	text, err := cl.ask(ctx, http.MethodGet, cl.path("/v1/properties/", "/ledger"), nil)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintln(env.Stdout, strings.TrimSpace(string(text)))
		return err
	}
	var l ledger
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return drawLedger(env.Stdout, terminalOf(env.Stdout), l)
}

// drawLedger shows the two sums of S33, and beside them what is outside.
func drawLedger(w io.Writer, t terminal, l ledger) error {
	type entry struct {
		name  string
		n     int64
		depth int
	}
	entries := []entry{{"received", l.Received, 0}}
	var refused int64
	for _, n := range l.Refused {
		refused += n
	}
	entries = append(entries, entry{"refused", refused, 1})
	for _, reason := range slices.Sorted(maps.Keys(l.Refused)) {
		entries = append(entries, entry{safe(reason), l.Refused[reason], 2})
	}
	entries = append(entries, entry{"accepted", l.Accepted, 1},
		entry{"pending", l.Pending, 2}, entry{"stored", l.Stored, 2}, entry{"duplicate", l.Duplicate, 2},
		entry{"too late", l.TooLate, 2}, entry{"expired", l.Expired, 2}, entry{"erased", l.Erased, 2})
	names, numbers := 0, 0
	for _, e := range entries {
		names = max(names, len(gap)*e.depth+cells(e.name))
		numbers = max(numbers, len(strconv.FormatInt(e.n, 10)))
	}
	for _, e := range entries {
		name := pad(strings.Repeat(gap, e.depth)+e.name, names, false)
		fmt.Fprintln(w, name+gap+pad(strconv.FormatInt(e.n, 10), numbers, true))
	}
	verdict := "The ledger balances."
	if !l.Balanced {
		verdict = t.red("The ledger does not balance.")
	}
	fmt.Fprintln(w, "\n"+verdict)
	_, err := fmt.Fprintln(w, t.dim(fmt.Sprintf("outside the sums: %d synthetic rows, %d unmerged, %d over limits",
		l.Synthetic, l.Unmerged, l.Overflow)))
	return err
}
