// Fetching the engine and building the program that serves it.
package clickserver

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"tidemark/internal/testkit/cached"
)

// engine is the npm package of the library; another version is another folder
// of the cache. npm checks the archive against the registry's checksum.
const (
	engine        = "@chdb/lib-linux-x64-gnu"
	engineVersion = "26.7.3-stable.1"
)

// Library returns the path of libchdb.so, fetching it first if it is not in the
// cache: 180 MB, unpacked 570 MB.
func Library(ctx context.Context) (string, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("find ClickHouse's engine: there is none for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	dir, err := cached.Folder("chdb-"+engineVersion, func(work string) (string, error) { return fetch(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("fetch ClickHouse's engine: %w", err)
	}
	return filepath.Join(dir, "libchdb.so"), nil
}

// fetch unpacks the library below work.
func fetch(ctx context.Context, work string) (string, error) {
	if err := run(ctx, work, "npm", "pack", "--silent", engine+"@"+engineVersion); err != nil {
		return "", err
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("npm pack made %v: %w", archives, err)
	}
	return filepath.Join(work, "package"), run(ctx, work, "tar", "-xzf", archives[0], "package/libchdb.so")
}

// build makes the shim and returns its path.
func build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "shim")
	if err := run(ctx, "", "go", "build", "-o", path, "tidemark/internal/testkit/clickserver/shim"); err != nil {
		return "", fmt.Errorf("build shim: %w", err)
	}
	return path, nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}
