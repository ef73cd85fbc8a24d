// The grammar of the command line, and Run.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"tidemark/internal/archive"
	"tidemark/internal/config"
	"tidemark/internal/simulate"
)

// Role is a line of list-roles.
type Role struct {
	Name        string   `json:"name"`
	Needs       []string `json:"needs"`
	Description string   `json:"description"`
}

// Serving is what serve and demo give to the program that they start.
type Serving struct {
	Config  config.Config
	Logger  *slog.Logger
	Out     io.Writer // for what a person must see: links and logins
	JSON    bool      // Out is for a machine
	Version string
	// Roles of this process; none: everything, on its own.
	Roles []string
	// Abort is closed when the person does not want to wait for a good end.
	Abort <-chan struct{}
}

// Demo is what demo adds.
type Demo struct {
	Rate float64 // simulated events a second, 0 for none
	Seed uint64
}

// Programs are what the commands start. Package main wires them.
type Programs struct {
	Serve func(ctx context.Context, s Serving) error
	Demo  func(ctx context.Context, s Serving, d Demo) error
	// WithLog opens the event log of a data directory that no server uses.
	WithLog func(cfg config.Config, use func(simulate.Log) error) error
	// Rebuild makes state and store anew from log and archive while no server runs.
	Rebuild func(ctx context.Context, s Serving, progress func(stage string, share float64)) (Rebuilt, error)
	// Archive opens the archive of final days that cfg names; Restore puts its days back while no server runs.
	Archive func(cfg config.Config) (*archive.Reader, error)
	Restore func(ctx context.Context, s Serving, o RestoreOrder, progress func(stage string, share float64)) (Rebuilt, error)
	// RestoreShared puts them into the store of a cluster while no processor runs.
	RestoreShared func(ctx context.Context, s Serving, o RestoreOrder, progress func(stage string, share float64)) (Rebuilt, error)
	// ReplayShared counts final days of a cluster's store again.
	ReplayShared func(ctx context.Context, s Serving, o SharedReplay, progress func(stage string, share float64)) (*ReplayResult, error)
	Roles        func() []Role
	// Migrate moves an installation into a cluster.
	Migrate func(ctx context.Context, m Migration) error
}

// Env is what surrounds a command.
type Env struct {
	Stdout, Stderr io.Writer
	Programs       Programs
	Version        string
	// Abort is closed by a second interrupt.
	Abort <-chan struct{}
}

// output is embedded in every command.
type output struct {
	JSON bool `help:"Print JSON for a machine."`
}

// grammar is the command line. The order is that of the help.
type grammar struct {
	Serve       serveCmd     `cmd:"" help:"Run the server."`
	Demo        demoCmd      `cmd:"" help:"Run a server with a demo shop and simulated traffic."`
	Property    propertyCmd  `cmd:"" help:"Make and list properties, beside a running server or without one."`
	Report      reportCmd    `cmd:"" help:"Ask a running server for a report and draw it as a table."`
	Tail        tailCmd      `cmd:"" help:"Follow events as they are accepted."`
	Ledger      ledgerCmd    `cmd:"" help:"Show what became of every event received."`
	Freshness   freshnessCmd `cmd:"" help:"Show how far reports have come and how late events are."`
	Replay      replayCmd    `cmd:"" help:"Count final days again, under changed settings if given; or rebuild from log and archive."`
	Archive     archiveCmd   `cmd:"" help:"List, verify and restore archived days."`
	Migrate     migrateCmd   `cmd:"" help:"Move a running server with everything on its disk into a cluster."`
	Erase       eraseCmd     `cmd:"" help:"Have a running server forget a person."`
	Nodes       nodesCmd     `cmd:"" help:"Show the nodes of a cluster, how well they are, and who owns which partitions."`
	Simulate    simulateCmd  `cmd:"" help:"Send made-up traffic to a server."`
	Capacity    capacityCmd  `cmd:"" help:"Say how many machines a rate of events takes."`
	CheckConfig checkCmd     `cmd:"" help:"Check a configuration file and explain doubtful choices."`
	ListRoles   rolesCmd     `cmd:"" help:"List the roles of the server."`
	Version     versionCmd   `cmd:"" help:"Print the version."`
}

// usageError is a wrong command line (CL4).
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// helpShown ends parsing after kong has printed help.
type helpShown struct{}

// Run runs the command of args and returns the exit code.
func Run(ctx context.Context, args []string, env Env) int {
	err := run(ctx, args, env)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "tidemark: %v\nRun tidemark --help for what there is.\n", err)
		return 2
	default:
		fmt.Fprintf(env.Stderr, "tidemark: %v\n", err)
		return 1
	}
}

func run(ctx context.Context, args []string, env Env) (err error) {
	var g grammar
	parser, err := kong.New(&g,
		kong.Name("tidemark"),
		kong.Description("Counts what people do on websites and apps, by when it happened."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(int) { panic(helpShown{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&env),
		kong.WithHyphenPrefixedParameters(true),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fmt.Errorf("BUG: command line grammar: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helpShown); !ok {
				panic(r)
			}
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return usageError{err}
	}
	return parsed.Run()
}
