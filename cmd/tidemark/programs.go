// The programs behind serve, demo and list-roles.
package main

import (
	"context"
	"errors"

	"tidemark/internal/cli"
)

var errNotWired = errors.New("this build has no server yet")

func programs() cli.Programs {
	return cli.Programs{
		Serve: func(context.Context, cli.Serving) error { return errNotWired },
		Demo:  func(context.Context, cli.Serving, cli.Demo) error { return errNotWired },
		Roles: func() []cli.Role { return nil },
	}
}
