// serve, demo, list-roles, version and check-config.
package cli

import (
	"context"
	"fmt"
	"strings"

	"tidemark/internal/config"
	"tidemark/internal/obs"
)

// choices are the flags that stand above the configuration file.
type choices struct {
	Config    string `help:"Configuration file." type:"existingfile" env:"TIDEMARK_CONFIG" placeholder:"FILE"`
	DataDir   string `help:"Where everything is kept." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	Listen    string `help:"Address to listen on; port 0 takes a free one." placeholder:"HOST:PORT"`
	LogLevel  string `help:"debug, info, warn or error." placeholder:"LEVEL"`
	LogFormat string `help:"text, json or auto." placeholder:"FORMAT"`
}

// load reads the file and lays the flags over it.
func (c choices) load() (config.Config, error) {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return cfg, err
	}
	for _, over := range []struct {
		flag string
		to   *string
	}{
		{c.DataDir, &cfg.DataDir}, {c.Listen, &cfg.HTTP.Listen},
		{c.LogLevel, &cfg.Log.Level}, {c.LogFormat, &cfg.Log.Format},
	} {
		if over.flag != "" {
			*over.to = over.flag
		}
	}
	return cfg, cfg.Validate()
}

func (c choices) serving(env *Env, json bool) (Serving, error) {
	cfg, err := c.load()
	if err != nil {
		return Serving{}, err
	}
	log, err := obs.NewLogger(env.Stderr, cfg.Log)
	if err != nil {
		return Serving{}, err
	}
	return Serving{
		Config: cfg, Logger: log, Out: env.Stdout, JSON: json, Version: env.Version, Abort: env.Abort,
	}, nil
}

type serveCmd struct {
	choices
	output
	Role []string `help:"What this process does, where several share the work: collector, processor, api, archive; several by commas (default: all, on its own)." env:"TIDEMARK_ROLE" placeholder:"ROLE"`
}

func (c *serveCmd) Run(ctx context.Context, env *Env) error {
	s, err := c.serving(env, c.JSON)
	if err != nil {
		return err
	}
	s.Roles = c.Role
	for _, w := range s.Config.Warnings() {
		s.Logger.Warn("doubtful choice", "key", w.Key, "why", w.Why)
	}
	return env.Programs.Serve(ctx, s)
}

type demoCmd struct {
	choices
	output
	Rate float64 `help:"Simulated events a second; 0 for none." default:"5"`
	Seed uint64  `help:"Seed of the simulated traffic." default:"1"`
}

func (c *demoCmd) Run(ctx context.Context, env *Env) error {
	if c.Rate < 0 || c.Rate > 1000 {
		return usagef("--rate: %v is not between 0 and 1000", c.Rate)
	}
	s, err := c.serving(env, c.JSON)
	if err != nil {
		return err
	}
	return env.Programs.Demo(ctx, s, Demo{Rate: c.Rate, Seed: c.Seed})
}

type rolesCmd struct{ output }

func (c *rolesCmd) Run(env *Env) error {
	roles := env.Programs.Roles()
	if c.JSON {
		return printJSON(env.Stdout, roles)
	}
	rows := [][]string{{"ROLE", "NEEDS", "WHAT IT DOES"}}
	for _, r := range roles {
		needs := strings.Join(r.Needs, ", ")
		if needs == "" {
			needs = "-"
		}
		rows = append(rows, []string{r.Name, needs, r.Description})
	}
	columns(env.Stdout, rows)
	return nil
}

type versionCmd struct{ output }

func (c *versionCmd) Run(env *Env) error {
	if c.JSON {
		return printJSON(env.Stdout, map[string]string{"version": env.Version})
	}
	_, err := fmt.Fprintln(env.Stdout, "tidemark", env.Version)
	return err
}

type checkCmd struct {
	output
	File string `arg:"" optional:"" help:"Configuration file; without one, the defaults are checked."`
}

// checkResult is what --json prints.
type checkResult struct {
	OK       bool             `json:"ok"`
	Errors   []string         `json:"errors"`
	Warnings []config.Warning `json:"warnings"`
}

func (c *checkCmd) Run(env *Env) error {
	cfg, err := config.Load(c.File)
	if c.JSON {
		result := checkResult{OK: err == nil, Errors: []string{}, Warnings: []config.Warning{}}
		if err != nil {
			result.Errors = strings.Split(err.Error(), "\n")
		} else {
			result.Warnings = append(result.Warnings, cfg.Warnings()...)
		}
		if err := printJSON(env.Stdout, result); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return nil
	}
	for _, w := range cfg.Warnings() {
		fmt.Fprintf(env.Stdout, "warning: %s: %s\n", w.Key, w.Why)
	}
	_, err = fmt.Fprintln(env.Stdout, "ok")
	return err
}
