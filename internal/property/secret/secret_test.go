// What each adapter relies on: hashes carry their costs, few are made at once.
package secret

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"golang.org/x/crypto/argon2"
)

// A hash made with other costs must still let its member in.
func TestPasswordHashCarriesItsOwnCosts(t *testing.T) {
	salt := []byte("sixteen bytes ..")
	enc := base64.RawStdEncoding
	hash := "$argon2id$v=19$m=1024,t=1,p=2$" + enc.EncodeToString(salt) + "$" +
		enc.EncodeToString(argon2.IDKey([]byte("a long password"), salt, 1, 1024, 2, 32))
	for password, want := range map[string]bool{"a long password": true, "another password": false} {
		if got, err := passwordMatches(hash, password); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", password, got, err, want)
		}
	}
	for _, bad := range []string{"", "$argon2id$v=19$m=1024,t=1,p=2$c2FsdA$", "$2a$10$abc"} {
		if got, err := passwordMatches(bad, "x"); got || err == nil {
			t.Errorf("%q: got %v, %v, want an error", bad, got, err)
		}
	}
}

func TestHashMatchesItsPasswordOnly(t *testing.T) {
	p := NewPasswords()
	hash, err := p.Hash(t.Context(), "a long password")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"a long password": true, "another password": false, "": false} {
		if got, err := p.Matches(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", password, got, err, want)
		}
	}
	if got, err := p.Matches(t.Context(), NobodysHash, "a long password"); got || err != nil {
		t.Errorf("nobody's hash: got %v, %v", got, err)
	}
}

func TestD8HashingWaitsForItsTurnNoLongerThanTheCaller(t *testing.T) {
	p := NewPasswords()
	for range hashingAtOnce {
		p.hashing <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Hash(ctx, "a long password"); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}
