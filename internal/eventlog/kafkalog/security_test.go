// TLS and SASL against a real broker: who may come in, comes in; who may not, is
// told why.
package kafkalog

import (
	"context"
	"strings"
	"testing"
	"time"

	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/testkit/kafkabroker"
)

func TestBrokersLetInWhoMayComeIn(t *testing.T) {
	brokers := realBroker(t)
	user := func(mechanism string) SASL {
		return SASL{Mechanism: mechanism, User: kafkabroker.User, Password: kafkabroker.Password}
	}
	trust := TLS{Enabled: true, CAFile: brokers.Files.CA}
	known := trust
	known.CertFile, known.KeyFile = brokers.Files.ClientCert, brokers.Files.ClientKey
	stranger := trust
	stranger.CertFile, stranger.KeyFile = brokers.Files.StrangerCert, brokers.Files.StrangerKey
	wrong := user(saslScram256)
	wrong.Password = "queen"
	for _, c := range []struct {
		name      string
		addresses []string
		tls       TLS
		sasl      SASL
		refused   string // part of the error; empty: comes in
	}{
		{"Plain", brokers.SASL(), TLS{}, user(saslPlain), ""},
		{"Scram256", brokers.SASL(), TLS{}, user(saslScram256), ""},
		{"Scram512", brokers.SASL(), TLS{}, user(saslScram512), ""},
		{"ClientCertificate", brokers.TLS(), known, SASL{}, ""},
		{"Scram512OverTLS", brokers.SASLTLS(), trust, user(saslScram512), ""},
		{"PlainOverTLS", brokers.SASLTLS(), trust, user(saslPlain), ""},
		{"WrongPassword", brokers.SASL(), TLS{}, wrong, "SASL_AUTHENTICATION_FAILED"},
		{"UnknownAuthority", brokers.SASLTLS(), TLS{Enabled: true}, user(saslPlain), "certificate"},
		{"StrangersCertificate", brokers.TLS(), stranger, SASL{}, "tls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(c.addresses, freshTopic(t))
			cfg.TLS, cfg.SASL = c.tls, c.sasl
			cfg.OpenTimeout = time.Minute
			if c.refused != "" {
				cfg.OpenTimeout = 3 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), cfg.OpenTimeout)
			defer cancel()
			l, err := Open(ctx, cfg, Deps{})
			if c.refused != "" {
				if err == nil {
					_ = l.Close()
				}
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("got error %v, want one with %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			if err := l.Append(ctx, &eventlog.Batch{Records: []eventlog.Record{{Payload: []byte("x")}}}); err != nil {
				t.Fatal(err)
			}
			if got := eventlogtest.ReadAll(t, l, 0, 100); len(got) != 1 {
				t.Errorf("%d records came back", len(got))
			}
		})
	}
}
