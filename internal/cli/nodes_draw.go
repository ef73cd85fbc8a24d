// Drawing a cluster: a line a node, then what needs somebody's attention.
package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/event"
)

// print prints what is seen, if it is not what was printed before.
func (l *looker) print(env *Env, c *nodesCmd, seen cluster) error {
	var text bytes.Buffer
	if c.JSON {
		if err := printJSON(&text, seen); err != nil {
			return err
		}
	} else {
		drawCluster(&text, terminalOf(env.Stdout), seen, time.Now())
	}
	now := essence(seen)
	if now == l.last {
		return nil
	}
	if l.last != "" && !c.JSON {
		fmt.Fprintf(env.Stdout, "\n%s\n", time.Now().Format(time.TimeOnly))
	}
	l.last = now
	_, err := text.WriteTo(env.Stdout)
	return err
}

// essence is what a change of is worth printing: offsets move all the time.
func essence(c cluster) string {
	var b strings.Builder
	for _, n := range c.Nodes {
		fmt.Fprintf(&b, "%s %s %v %v %s\n", n.ID, n.Address, n.Roles, n.Well, partitionList(n.Partitions))
	}
	fmt.Fprintf(&b, "%s %v", partitionList(c.Unowned), c.Held != nil)
	return b.String()
}

func drawCluster(w io.Writer, t terminal, c cluster, now time.Time) {
	if len(c.Nodes) == 0 {
		fmt.Fprintln(w, "No node is there.")
	} else {
		drawNodes(w, t, c.Nodes)
	}
	if len(c.Unowned) > 0 {
		fmt.Fprintf(w, "\n%s %s\n", t.red("Nobody works on partitions"), partitionList(c.Unowned)+lastOwners(c.Unowned)+".")
		fmt.Fprintln(w, t.dim("Their events are accepted and kept; reports wait for them. A processor takes them over by itself, or start one."))
	}
	if c.Held != nil {
		fmt.Fprintf(w, "\n%s holds events accepted since %s (%s) that are not in the log yet.\n", safe(c.Held.Node),
			c.Held.Since.Format(time.RFC3339), behind(c.Held.Since.Format(time.RFC3339Nano), now))
	}
}

// drawNodes colors states, which columns cannot.
func drawNodes(w io.Writer, t terminal, nodes []clusterNode) {
	rows := [][]string{{"NODE", "ROLES", "ADDRESS", "VERSION", "PARTITIONS", "STATE"}}
	for _, n := range nodes {
		state := "well"
		if !n.Well {
			state = "does not answer: " + n.Reason
		}
		owns := partitionList(n.Partitions)
		if owns == "" {
			owns = "-"
		}
		rows = append(rows, []string{n.ID, strings.Join(n.Roles, ","), n.Address, n.Version, owns, state})
	}
	var plain bytes.Buffer
	columns(&plain, rows)
	lines := strings.SplitAfter(plain.String(), "\n")
	for i, line := range lines {
		switch {
		case i == 0:
			line = t.bold(strings.TrimSuffix(line, "\n")) + "\n"
		case i <= len(nodes) && !nodes[i-1].Well:
			line = t.red(strings.TrimSuffix(line, "\n")) + "\n"
		}
		fmt.Fprint(w, line)
	}
}

// lastOwners names who had partitions that nobody has now.
func lastOwners(parts []clusterPartition) string {
	var had []string
	seen := map[string]bool{"": true}
	for _, p := range parts {
		if !seen[p.Owner] {
			seen[p.Owner] = true
			had = append(had, safe(p.Owner))
		}
	}
	if len(had) == 0 {
		return ""
	}
	return " (before: " + strings.Join(had, ", ") + ")"
}

// partitionList writes 0, 1, 2, 7 as "0-2, 7". parts are in order.
func partitionList(parts []clusterPartition) string {
	var out []string
	for i := 0; i < len(parts); {
		end := i
		for end+1 < len(parts) && parts[end+1].Partition == parts[end].Partition+1 {
			end++
		}
		text := number(parts[i].Partition)
		if end > i {
			text += "-" + number(parts[end].Partition)
		}
		out = append(out, text)
		i = end + 1
	}
	return strings.Join(out, ", ")
}

func number(p event.Partition) string { return strconv.Itoa(int(p)) }
