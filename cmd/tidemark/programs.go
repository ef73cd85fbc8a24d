// The programs behind serve, demo and list-roles.
package main

import (
	"tidemark/internal/app"
	"tidemark/internal/cli"
)

func programs() cli.Programs {
	return cli.Programs{Serve: app.Serve, Demo: app.Demo, WithLog: app.WithLog, Rebuild: app.Rebuild,
		Archive: app.OpenArchive, Restore: app.Restore, RestoreShared: app.RestoreShared, ReplayShared: app.ReplayShared, Roles: app.Roles, Migrate: app.Migrate}
}
