// migrate: move an installation into a cluster while it takes events.
package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/obs"
)

// Migration is what migrate asks of the program that carries it out.
type Migration struct {
	DataDir string
	Cluster config.Config
	Switch  bool // end the move: the cluster takes the events from then on
	Once    bool // end when the cluster has come as far as the installation
	Abort   bool // give the move up
	Logger  *slog.Logger
	// Progress is told how far a stage is, Say what has been reached.
	Progress func(stage string, share float64)
	Say      func(text string)
}

type migrateCmd struct {
	DataDir string `help:"Data directory of the installation, whose server runs." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	Config  string `help:"Configuration file of the cluster." type:"existingfile" required:"" placeholder:"FILE"`
	Switch  bool   `help:"Bring over what is left, compare both sides, and have the cluster take the events from then on. Without it the cluster follows until the command is interrupted."`
	Once    bool   `help:"End when the cluster has come as far as the installation, and reports were compared."`
	Abort   bool   `help:"Give the move up: the installation goes on as if nothing had been. Not after the switch."`
	output
}

// migrateLine is a line that --json prints.
type migrateLine struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

func (c *migrateCmd) Run(ctx context.Context, env *Env) error {
	if c.Abort && (c.Switch || c.Once) {
		return usagef("--abort stands alone")
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	log, err := obs.NewLogger(env.Stderr, cfg.Log)
	if err != nil {
		return err
	}
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	var printed error
	err = env.Programs.Migrate(ctx, Migration{DataDir: dataDir{c.DataDir}.dir(), Cluster: cfg, Switch: c.Switch, Once: c.Once, Abort: c.Abort,
		Logger: log, Progress: bar.show, Say: func(text string) {
			bar.clear()
			if c.JSON {
				printed = errors.Join(printed, printJSON(env.Stdout, migrateLine{time.Now().UTC(), text}))
				return
			}
			_, err := fmt.Fprintln(env.Stdout, text)
			printed = errors.Join(printed, err)
		}})
	bar.clear()
	return errors.Join(err, printed)
}
