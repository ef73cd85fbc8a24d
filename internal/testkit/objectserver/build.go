// Building the server.
package objectserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"tidemark/internal/testkit/cached"
)

// What is built. Apache-2.0. From v1.8.0 on, conditional PUTs are atomic; older
// ones let several writers win.
const (
	program = "github.com/versity/versitygw/cmd/versitygw"
	version = "v1.8.0"
)

// Program returns the path of the server, building it first if it is not in the
// cache.
func Program(ctx context.Context) (string, error) {
	dir, err := cached.Folder("versitygw-"+version, func(work string) (string, error) { return build(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("build versitygw: %w", err)
	}
	return filepath.Join(dir, "versitygw"), nil
}

// build installs it below work. It is a program of its own, not a dependency: our go.mod does not name it.
func build(ctx context.Context, work string) (string, error) {
	bin := filepath.Join(work, "bin")
	cmd := exec.CommandContext(ctx, "go", "install", program+"@"+version)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s@%s: %w\n%s", program, version, err, out)
	}
	return bin, nil
}
