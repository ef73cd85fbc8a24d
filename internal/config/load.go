// Reading the file, and warnings about what works but is seldom meant.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"time"

	"go.yaml.in/yaml/v4"
)

// maxFile is more than any real file needs; it bounds what a wrong path can do.
const maxFile = 1 << 20

// Load reads a file over the defaults and checks it. An empty path is no file.
func Load(path string) (Config, error) {
	if path == "" {
		c := Default()
		return c, c.Validate()
	}
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxFile {
		return Config{}, fmt.Errorf("read configuration: %s has more than %v", path, Size(maxFile))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(text, os.LookupEnv)
	if err != nil {
		return Config{}, fmt.Errorf("%s:\n%w", path, err)
	}
	return c, nil
}

// Parse reads text over the defaults and checks it (CF1, CF2).
func Parse(text []byte, env func(string) (string, bool)) (Config, error) {
	c := Default()
	var doc yaml.Node
	if len(text) > 0 {
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return Config{}, fmt.Errorf("not YAML: %w", err)
		}
	}
	if len(doc.Content) > 0 {
		d := &decoder{env: env}
		d.value(doc.Content[0], "", reflect.ValueOf(&c).Elem())
		if err := errors.Join(d.errs...); err != nil {
			return Config{}, err
		}
	}
	return c, c.Validate()
}

// Warning is about a choice that works but probably is not what is wanted.
type Warning struct {
	Key string `json:"key"`
	Why string `json:"why"`
}

// Warnings returns them in the order of the file.
func (c Config) Warnings() []Warning {
	var ws []Warning
	warn := func(key, why string) { ws = append(ws, Warning{key, why}) }
	host, _, _ := net.SplitHostPort(c.HTTP.Listen)
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && len(c.HTTP.TrustedProxies) == 0 {
		warn("http.listen", "the server is open to the network without a proxy in front: it speaks no TLS, "+
			"so logins and keys travel in the clear")
	}
	if c.Geo.Database == "" {
		warn("geo.database", "there is none: country, region and city of events will be (not set), and "+
			"events keep what they were collected with")
	}
	if c.Processor.CheckpointInterval > 10*time.Minute {
		warn("processor.checkpoint_interval", "everything since the last checkpoint is read again after a "+
			"crash: reports lag until then")
	}
	if c.EventLog.MaxBytes == 0 {
		warn("eventlog.max_bytes", "the log may fill the disk when the processor stands still")
	}
	return ws
}
