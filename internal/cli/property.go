// property create, set and list: straight on the registry, in the data directory or in
// PostgreSQL, so they work whether a server runs or not.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/pgreg"
	"tidemark/internal/property/sqlreg"
)

type propertyCmd struct {
	Create createCmd `cmd:"" help:"Make a property with a data stream, an API secret and a read key."`
	Set    setCmd    `cmd:"" help:"Say for how many days a property keeps rows."`
	List   listCmd   `cmd:"" help:"List the properties."`
}

// dataDir is the flag of commands that work on a data directory.
type dataDir struct {
	DataDir string `help:"Data directory of the server." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
}

func (d dataDir) dir() string {
	if d.DataDir == "" {
		return config.Default().DataDir
	}
	return d.DataDir
}

// registryAt is where the registry is: in a data directory, or where a configuration says.
type registryAt struct {
	dataDir
	Config string `help:"Configuration file of the server, if it has one: the registry may be in PostgreSQL." type:"existingfile" env:"TIDEMARK_CONFIG" placeholder:"FILE"`
}

// registry opens the registry and makes it if need be.
func (a registryAt) registry(ctx context.Context) (property.Registry, error) {
	cfg, err := config.Load(a.Config)
	if err != nil {
		return nil, err
	}
	if cfg.OnPostgres() {
		return pgreg.Open(ctx, cfg.PostgresRegistry(), pgreg.Options{})
	}
	if a.DataDir != "" {
		cfg.DataDir = a.DataDir
	}
	if move, some, err := config.ReadMove(cfg.DataDir); err != nil {
		return nil, err
	} else if some {
		return nil, errors.New(move.Reason())
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	return sqlreg.Open(cfg.RegistryFile())
}

type createCmd struct {
	registryAt
	output
	Name     string   `help:"What people call it." required:"" placeholder:"NAME"`
	TimeZone string   `help:"Time zone of its days, such as Europe/Berlin." default:"UTC" placeholder:"ZONE"`
	Currency string   `help:"ISO 4217 code of its money, such as EUR." default:"USD" placeholder:"CODE"`
	KeyEvent []string `help:"Event that counts as a key event; may be given several times (default: purchase)." placeholder:"EVENT"`
	RowDays  int      `help:"Days for which rows are kept, at least 8; sums of older days stay (0: for ever)." default:"0" placeholder:"DAYS"`
}

func (c *createCmd) Run(ctx context.Context, env *Env) (err error) {
	r, err := c.registry(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, keys, err := r.CreateProperty(ctx, property.NewProperty{
		Name: c.Name, TimeZone: c.TimeZone, Currency: c.Currency, KeyEvents: c.KeyEvent, RowDays: c.RowDays,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, keys)
	}
	columns(env.Stdout, [][]string{
		{"Property", p.ID.String() + "  " + p.Name},
		{"Time zone", p.TimeZone},
		{"Currency", p.Currency},
		{"Rows kept", daysText(p.RowDays)},
		{"Measurement id", keys.MeasurementID},
		{"API secret", keys.APISecret},
		{"Read key", keys.ReadKey},
	})
	_, err = fmt.Fprintln(env.Stdout, "\nThe secret and the key are shown this once: only their hashes are kept.")
	return err
}

// daysText says for how long rows are kept.
func daysText(n int) string {
	if n == 0 {
		return "for ever"
	}
	return fmt.Sprintf("%d days", n)
}

type setCmd struct {
	registryAt
	output
	Property string `help:"Property id." required:"" placeholder:"ID"`
	RowDays  int    `help:"Days for which rows are kept, at least 8; sums of older days stay (0: for ever)." required:"" placeholder:"DAYS"`
	Yes      bool   `help:"Rows that are older now may be dropped, for good."`
}

// propertySettings is the answer of property set --json.
type propertySettings struct {
	Property string `json:"property"`
	RowDays  int    `json:"rowDays"`
}

func (c *setCmd) Run(ctx context.Context, env *Env) (err error) {
	id, err := event.ParsePropertyID(c.Property)
	if err != nil {
		return usagef("--property: %v", err)
	}
	r, err := c.registry(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	p, err := r.Property(ctx, id)
	if err != nil {
		return err
	}
	fewer := c.RowDays != 0 && (p.RowDays == 0 || c.RowDays < p.RowDays)
	p.RowDays = c.RowDays
	if p, err = p.Normal(); err != nil {
		return err
	}
	if fewer && !c.Yes {
		return usagef("rows of days that lie more than %d days back will be dropped, for good: their sums stay, but what only rows "+
			"can tell of them, and counting any day of the property again, will be refused. Say --yes to do it", c.RowDays)
	}
	if p, err = r.UpdateProperty(ctx, p); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, propertySettings{Property: p.ID.String(), RowDays: p.RowDays})
	}
	_, err = fmt.Fprintf(env.Stdout, "Rows of %s are kept %s.\n", safe(p.Name), daysText(p.RowDays))
	return err
}

type listCmd struct {
	registryAt
	output
}

// listedProperty is a line of property list --json.
type listedProperty struct {
	Property       string    `json:"property"`
	Name           string    `json:"name"`
	TimeZone       string    `json:"timeZone"`
	Currency       string    `json:"currency"`
	RowDays        int       `json:"rowDays"`
	MeasurementIDs []string  `json:"measurementIds"`
	Created        time.Time `json:"created"`
}

func (c *listCmd) Run(ctx context.Context, env *Env) (err error) {
	r, err := c.registry(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ps, err := r.Properties(ctx)
	if err != nil {
		return err
	}
	list := []listedProperty{}
	rows := [][]string{{"PROPERTY", "MEASUREMENT ID", "TIME ZONE", "CURRENCY", "ROWS KEPT", "NAME"}}
	for _, p := range ps {
		l := listedProperty{
			Property: p.ID.String(), Name: p.Name, TimeZone: p.TimeZone, Currency: p.Currency,
			RowDays: p.RowDays, MeasurementIDs: []string{}, Created: p.Created,
		}
		for _, s := range p.Streams {
			l.MeasurementIDs = append(l.MeasurementIDs, s.MeasurementID)
			rows = append(rows, []string{l.Property, s.MeasurementID, l.TimeZone, l.Currency, daysText(l.RowDays), l.Name})
		}
		list = append(list, l)
	}
	if c.JSON {
		return printJSON(env.Stdout, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "There is no property yet. Make one with tidemark property create --name NAME.")
		return err
	}
	columns(env.Stdout, rows)
	return nil
}
