// Fetching Kafka and finding Java.
package kafkabroker

import (
	"context"
	_ "embed"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"

	"tidemark/internal/testkit/cached"
)

//go:embed pom.xml
var pom []byte

// Classpath returns a Java classpath that holds Kafka and all it needs, fetching
// it first if it is not in the cache.
func Classpath(ctx context.Context) (string, error) {
	// Another pom.xml is another directory.
	sum := fnv.New64a()
	_, _ = sum.Write(pom)
	dir, err := cached.Folder(fmt.Sprintf("kafka-%016x", sum.Sum64()), func(work string) (string, error) { return fetch(ctx, work) })
	if err != nil {
		return "", fmt.Errorf("fetch kafka: %w", err)
	}
	return filepath.Join(dir, "*"), nil
}

// fetch copies all jars below work.
func fetch(ctx context.Context, work string) (string, error) {
	mvn, err := find("mvn", "maven")
	if err != nil {
		return "", err
	}
	if _, err := find("java", "default-jdk-headless"); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	jars := filepath.Join(work, "jars")
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+jars, "-DincludeScope=runtime")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn dependency:copy-dependencies: %w\n%s", err, out)
	}
	return jars, nil
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
