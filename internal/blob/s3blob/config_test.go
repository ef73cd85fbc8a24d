// Choices that cannot work are named.
package s3blob

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/internal/blob"
	"tidemark/internal/testkit/objectserver"
)

func TestBadConfigIsNamed(t *testing.T) {
	good := DefaultConfig()
	good.Endpoint, good.Bucket = "https://s3.example", "b"
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	f := func(want string, change func(*Config)) {
		t.Helper()
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want something of %s", err, want)
		}
	}
	f("endpoint", func(c *Config) { c.Endpoint = "s3.example" })
	f("endpoint", func(c *Config) { c.Endpoint = "ftp://s3.example" })
	f("endpoint", func(c *Config) { c.Endpoint = "https://s3.example/bucket" })
	f("endpoint", func(c *Config) { c.Endpoint = "https://key:secret@s3.example" })
	f("region", func(c *Config) { c.Region = "" })
	f("bucket", func(c *Config) { c.Bucket = "a/b" })
	f("prefix", func(c *Config) { c.Prefix = "a" })
	f("prefix", func(c *Config) { c.Prefix = "../" })
	f("access_key", func(c *Config) { c.AccessKey = "a" })
	f("ca_file", func(c *Config) { c.Endpoint, c.CAFile = "http://s3.example", "x" })
	f("stall_timeout", func(c *Config) { c.StallTimeout = 0 })
	f("tries", func(c *Config) { c.Tries = 0 })
}

func TestFileOfCertificatesMustHoldOne(t *testing.T) {
	c := DefaultConfig()
	c.Endpoint, c.Bucket, c.AccessKey, c.SecretKey = "https://s3.example", "b", "a", "s"
	for name, text := range map[string]string{"missing": "", "empty": "nothing"} {
		c.CAFile = filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(c.CAFile, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "ca_file") {
			t.Errorf("%s file: %v, want an error of ca_file", name, err)
		}
	}
}

func TestCredentialsComeFromTheEnvironment(t *testing.T) {
	server := startServer(t, objectserver.Options{})
	c := configOf(server, server.NewBucket(t))
	c.AccessKey, c.SecretKey = "", ""
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		t.Setenv(name, "")
	}
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
		t.Errorf("without any: %v, want an error that says where they come from", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", objectserver.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", objectserver.SecretKey)
	if err := blob.Probe(t.Context(), openConfig(t, c)); err != nil {
		t.Error(err)
	}
}
