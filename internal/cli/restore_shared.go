// Restoring a cluster whose store was lost: archived days, and the rest from its topic. Two commands lead here, as a cluster's
// operator may know it from one process: archive restore, and replay --rebuild.
package cli

import (
	"context"
	"fmt"
	"io"
	"time"
)

// MissingDays are days of a property that lack events, both included.
type MissingDays struct {
	Property string `json:"property"`
	From     string `json:"from"`
	To       string `json:"to"`
}

// isShared tells whether the store is a cluster's: the configuration has one, and no data directory is named.
func isShared(serving Serving, dataDir string) bool {
	return dataDir == "" && serving.Config.OnClickHouse()
}

func restoreShared(ctx context.Context, env *Env, serving Serving, order RestoreOrder, isJSON bool) error {
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	done, err := env.Programs.RestoreShared(ctx, serving, order, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if isJSON {
		return printJSON(env.Stdout, done)
	}
	return drawSharedRestore(env.Stdout, done)
}

// drawSharedRestore says what went into a cluster's store, and what is still to come.
func drawSharedRestore(w io.Writer, done Rebuilt) error {
	var text string
	if done.Present > 0 {
		text += fmt.Sprintf("The store has the archived days of %d properties already.\n", done.Present)
	}
	if done.Term > 0 {
		text += fmt.Sprintf("%d days were restored into ClickHouse, in term %d of the store, which was taken over for it.\n", done.RestoredDays, done.Term)
	}
	if done.Partitions > 0 {
		text += fmt.Sprintf("%d partitions begin again where the topic does, at %s: start the processors. They fold %d records anew, and reports "+
			"follow.\n", done.Partitions, done.LogFrom.Format(time.RFC3339), done.Records)
	}
	if text == "" {
		text = "Nothing was restored: nothing is archived, and nothing was ever folded.\n"
	}
	for _, m := range done.Missing {
		text += fmt.Sprintf("Property %s: the days from %s to %s lack events. They came before the topic begins, and the archive does not have these days. "+
			"Reports will not say so.\n", m.Property, m.From, m.To)
	}
	_, err := io.WriteString(w, text)
	return err
}
