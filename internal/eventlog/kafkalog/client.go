// What all clients of one log have in common: addresses, TLS, SASL, logging.
package kafkalog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Names of SASL mechanisms, as Kafka users write them.
const (
	saslPlain    = "PLAIN"
	saslScram256 = "SCRAM-SHA-256"
	saslScram512 = "SCRAM-SHA-512"
)

// dialTimeout bounds one attempt to connect.
const dialTimeout = 5 * time.Second

// clientOptions returns what producer, follower and member share.
func clientOptions(cfg Config, deps Deps) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID(cfg.ClientID),
		kgo.WithLogger(logger{deps.Logger}),
		kgo.DialTimeout(dialTimeout),
		// A broker that is back is found soon. The default waits up to 2.5 s.
		kgo.RetryBackoffFn(func(tries int) time.Duration {
			return min(time.Duration(tries)*50*time.Millisecond, time.Second)
		}),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}
	var config *tls.Config
	if cfg.TLS.Enabled {
		c, err := cfg.TLS.config()
		if err != nil {
			return nil, err
		}
		config = c
	}
	switch {
	case deps.Dial != nil && config != nil:
		opts = append(opts, kgo.Dialer(dialTLS(deps.Dial, config)))
	case deps.Dial != nil:
		opts = append(opts, kgo.Dialer(deps.Dial))
	case config != nil:
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	switch s := cfg.SASL; s.Mechanism {
	case saslPlain:
		opts = append(opts, kgo.SASL(plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()))
	case saslScram256:
		opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()))
	case saslScram512:
		opts = append(opts, kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()))
	}
	return opts, nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialTLS encrypts what dial opens.
func dialTLS(dial dialFunc, config *tls.Config) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := config.Clone()
		if c.ServerName == "" {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				_ = conn.Close()
				return nil, err
			}
			c.ServerName = host
		}
		return tls.Client(conn, c), nil
	}
}

// config reads the files.
func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read tls ca_file: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read tls cert_file and key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// logger passes on what the client library says.
type logger struct{ to *slog.Logger }

// Level leaves out what is said about every request.
func (l logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log is called by the library.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelWarn
	if level == kgo.LogLevelError {
		to = slog.LevelError
	}
	l.to.Log(context.Background(), to, "kafka client: "+msg, keyvals...)
}
