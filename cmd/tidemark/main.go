// Command tidemark: see package cli for its commands and package app for what
// serve runs.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // zones of properties must not depend on the machine

	"tidemark/internal/cli"
	"tidemark/internal/service"
)

// version is set by the linker in releases.
var version = ""

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, abort, release := service.Signals(context.Background())
	defer release()
	return cli.Run(ctx, args, cli.Env{
		Stdout: os.Stdout, Stderr: os.Stderr,
		Programs: programs(), Version: versionText(), Abort: abort,
	})
}
