// Cluster: format, start, wait, kill, start again.
package kafkabroker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/testkit/child"
)

// User and Password get in at the listeners with SASL.
const (
	User     = "alice"
	Password = "wonderland"
)

// Cluster is some brokers of one test.
type Cluster struct {
	// Files are for the listeners with TLS.
	Files Files

	dir       string
	java      string
	classpath string
	nodes     []*node
}

// node is one process, broker and controller.
type node struct {
	id         int
	dir        string
	properties string
	ports      map[string]int // by listener
	cmd        *exec.Cmd      // nil: not running
	ended      chan struct{}
}

// listeners, and the security protocol of each.
const (
	plainListener   = "PLAIN"
	saslListener    = "SASL"
	tlsListener     = "TLS"
	saslTLSListener = "SASLTLS"
	controller      = "CONTROLLER"
)

func listenerNames() []string {
	return []string{plainListener, saslListener, tlsListener, saslTLSListener, controller}
}

// Start runs n brokers with their data below dir and returns when all of them
// answer.
func Start(ctx context.Context, dir string, n int) (*Cluster, error) {
	c, err := prepare(ctx, dir, n)
	if err != nil {
		return nil, fmt.Errorf("prepare kafka: %w", err)
	}
	for i := range n {
		err = errors.Join(err, c.run(i))
	}
	if err == nil {
		err = c.AwaitBrokers(ctx, n)
	}
	if err != nil {
		err = fmt.Errorf("start kafka: %w\n%s", err, c.Output())
		c.Close()
		return nil, err
	}
	return c, nil
}

// prepare formats the storage of all nodes.
func prepare(ctx context.Context, dir string, n int) (*Cluster, error) {
	java, err := Java()
	if err != nil {
		return nil, err
	}
	classpath, err := Classpath(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, java: java, classpath: classpath}
	if c.Files, err = makeFiles(dir); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	for i := range n {
		ports, err := freePorts()
		if err != nil {
			return nil, err
		}
		nd := &node{id: i + 1, dir: filepath.Join(dir, fmt.Sprint("node", i+1)), ports: ports}
		if err := os.MkdirAll(nd.dir, 0o755); err != nil {
			return nil, err
		}
		nd.properties = filepath.Join(nd.dir, "server.properties")
		c.nodes = append(c.nodes, nd)
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	var group sync.WaitGroup
	errs := make([]error, n)
	for i, nd := range c.nodes {
		group.Go(func() { errs[i] = c.format(ctx, nd, base64.RawURLEncoding.EncodeToString(id)) })
	}
	group.Wait()
	return c, errors.Join(errs...)
}

// format writes the settings of a node and prepares its storage.
func (c *Cluster) format(ctx context.Context, nd *node, clusterID string) error {
	if err := os.WriteFile(nd.properties, []byte(c.propertiesOf(nd)), 0o644); err != nil {
		return err
	}
	args := append(c.javaOptions(), "kafka.tools.StorageTool", "format", "--cluster-id="+clusterID, "-c", nd.properties)
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, User, Password))
	}
	if out, err := exec.CommandContext(ctx, c.java, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format storage: %w\n%s", err, out)
	}
	return nil
}

// freePorts returns a port for each listener.
func freePorts() (map[string]int, error) {
	ports := make(map[string]int)
	for _, name := range listenerNames() {
		for ports[name] == 0 {
			port, err := child.FreePort()
			if err != nil {
				return nil, err
			}
			if !slices.Contains(slices.Collect(maps.Values(ports)), port) {
				ports[name] = port
			}
		}
	}
	return ports, nil
}

// javaOptions are for processes that live shortly and share two cores.
func (c *Cluster) javaOptions() []string {
	return []string{"-Xmx256m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", c.classpath}
}

// run starts the process of node i.
func (c *Cluster) run(i int) error {
	nd := c.nodes[i]
	out, err := os.OpenFile(filepath.Join(nd.dir, "output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(c.java, append(c.javaOptions(), "kafka.Kafka", nd.properties)...)
	cmd.Stdout, cmd.Stderr = out, out
	child.BindLife(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	nd.cmd, nd.ended = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(nd.ended)
	}()
	return nil
}

// Kill ends broker i, counted from 0, like a power cut of its process.
func (c *Cluster) Kill(i int) {
	nd := c.nodes[i]
	if nd.cmd == nil {
		return
	}
	_ = nd.cmd.Process.Kill()
	<-nd.ended
	nd.cmd = nil
}

// Restart starts brokers that were killed and waits until they answer.
func (c *Cluster) Restart(ctx context.Context, brokers ...int) error {
	for _, i := range brokers {
		if err := c.run(i); err != nil {
			return fmt.Errorf("restart broker %d: %w", i, err)
		}
	}
	running := 0
	for _, nd := range c.nodes {
		if nd.cmd != nil {
			running++
		}
	}
	return c.AwaitBrokers(ctx, running)
}

// Close kills all brokers.
func (c *Cluster) Close() {
	for i := range c.nodes {
		c.Kill(i)
	}
}

// AwaitBrokers waits until all brokers that run, n of them, know of each other
// and of no other.
func (c *Cluster) AwaitBrokers(ctx context.Context, n int) error {
	for i, nd := range c.nodes {
		if nd.cmd == nil {
			continue
		}
		if err := c.awaitBroker(ctx, i, n); err != nil {
			return fmt.Errorf("wait for broker %d: %w", i, err)
		}
	}
	return nil
}

func (c *Cluster) awaitBroker(ctx context.Context, i, n int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Plain()[i]))
	if err != nil {
		return err
	}
	defer client.Close()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for known := 0; ; {
		// Of this broker itself: what another one says is not enough.
		ask, cancel := context.WithTimeout(ctx, 2*time.Second)
		meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ask, client.SeedBrokers()[0])
		cancel()
		if err == nil {
			known = len(meta.Brokers)
		}
		if err == nil && known == n {
			return nil
		}
		select {
		case <-again.C:
		case <-c.nodes[i].ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it knows %d of %d brokers: %w", known, n, errors.Join(ctx.Err(), err))
		}
	}
}

// Node returns the index of the broker with a node id.
func (c *Cluster) Node(id int32) int { return int(id) - 1 }

// Plain returns the addresses that need nothing.
func (c *Cluster) Plain() []string { return c.addresses(plainListener) }

// SASL returns the addresses that need User and Password.
func (c *Cluster) SASL() []string { return c.addresses(saslListener) }

// TLS returns the addresses that need a client certificate.
func (c *Cluster) TLS() []string { return c.addresses(tlsListener) }

// SASLTLS returns the addresses that need User and Password over TLS.
func (c *Cluster) SASLTLS() []string { return c.addresses(saslTLSListener) }

func (c *Cluster) addresses(listener string) []string {
	var out []string
	for _, nd := range c.nodes {
		out = append(out, fmt.Sprintf("127.0.0.1:%d", nd.ports[listener]))
	}
	return out
}

// Output returns what the brokers printed.
func (c *Cluster) Output() string {
	var out strings.Builder
	for _, nd := range c.nodes {
		text, err := os.ReadFile(filepath.Join(nd.dir, "output.log"))
		if err == nil {
			fmt.Fprintf(&out, "--- broker %d\n%s\n", nd.id, text)
		}
	}
	return out.String()
}
