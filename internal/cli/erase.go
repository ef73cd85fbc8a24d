// erase: have a running server forget a person.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

type eraseCmd struct {
	DataDir  string `help:"Data directory of the running server." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	Property string `help:"Property id." required:"" placeholder:"ID"`
	ClientID string `help:"Forget the client with this id." placeholder:"ID"`
	UserID   string `help:"Forget all clients that were seen with this user id." placeholder:"ID"`
	output
}

// EraseOrder is what the command asks of the server.
type EraseOrder struct {
	Property string `json:"property"`
	ClientID string `json:"clientId,omitempty"`
	UserID   string `json:"userId,omitempty"`
}

// EraseResult is what the server did.
type EraseResult struct {
	Clients int   `json:"clients"`
	Events  int64 `json:"events"`
	// LogUntil is when the log has forgotten the events too.
	LogUntil string `json:"logUntil"`
	Error    string `json:"error,omitempty"`
}

func (c *eraseCmd) Run(ctx context.Context, env *Env) error {
	if (c.ClientID == "") == (c.UserID == "") {
		return usagef("name whom to forget: --client-id or --user-id, and not both")
	}
	r, err := newOperatorClient(dataDir{c.DataDir}.dir()).send(ctx, "/erasures",
		EraseOrder{Property: c.Property, ClientID: c.ClientID, UserID: c.UserID})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	var result EraseResult
	if err := json.NewDecoder(r.Body).Decode(&result); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if result.Error != "" {
		return errors.New(safe(result.Error))
	}
	if c.JSON {
		text, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("encode result: %w", err)
		}
		_, err = fmt.Fprintln(env.Stdout, string(text))
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Forgot %d clients and %d events: they are in no report, no state and no segment any more.\n"+
		"The event log forgets them by %s. Backups made before now still hold them.\n",
		result.Clients, result.Events, safe(result.LogUntil))
	return err
}
