// D10: what net/http says of a connection is logged without its address.
package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestErrorLogNamesNoAddressD10(t *testing.T) {
	var out bytes.Buffer
	l := newErrorLog(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	f := func(line string, secret string) {
		t.Helper()
		out.Reset()
		l.Print(line)
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q became %q", line, out.String())
		}
		if !strings.Contains(out.String(), "serving") && !strings.Contains(out.String(), "handshake") {
			t.Errorf("%q lost what it says: %q", line, out.String())
		}
	}
	f("http: panic serving 203.0.113.7:51234: boom", "203.0.113.7")
	f("http: panic serving [2001:db8::17]:51234: boom", "2001:db8")
	f("http: TLS handshake error from 198.51.100.23:4711: EOF", "198.51.100")
	f("http: TLS handshake error from [fe80::1%eth0]:4711: EOF", "fe80")
}
