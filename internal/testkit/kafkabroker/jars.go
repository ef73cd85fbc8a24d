// Fetching Kafka and finding Java.
package kafkabroker

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

//go:embed pom.xml
var pom []byte

// Classpath returns a Java classpath that holds Kafka and all it needs, fetching
// it first if it is not in the cache.
func Classpath(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache for kafka: %w", err)
	}
	// Another pom.xml is another directory.
	sum := fnv.New64a()
	_, _ = sum.Write(pom)
	dir := filepath.Join(cache, "tidemark", fmt.Sprintf("kafka-%016x", sum.Sum64()))
	if err := fetch(ctx, dir); err != nil {
		return "", fmt.Errorf("fetch kafka into %s: %w", dir, err)
	}
	return filepath.Join(dir, "*"), nil
}

// fetch fills dir, which then appears whole. Tests of several packages may come
// here at once: one fetches, the others wait for the lock.
func fetch(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mvn, err := find("mvn", "maven")
	if err != nil {
		return err
	}
	if _, err := find("java", "default-jdk-headless"); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy-dependencies",
		"-DoutputDirectory="+filepath.Join(work, "jars"), "-DincludeScope=runtime")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn dependency:copy-dependencies: %w\n%s", err, out)
	}
	return os.Rename(filepath.Join(work, "jars"), dir)
}

// find returns the path of a program or says how to get it.
func find(name, debian string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is missing: run make tools-test, or install it (on Debian: apt-get install %s): %w", name, debian, err)
	}
	return path, nil
}

// Java returns the path of the Java launcher.
func Java() (string, error) { return find("java", "default-jdk-headless") }
