// Passwords: hashed slowly, compared in constant time, a few at once.
package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id with 32 MiB and three passes: some 50 ms of one core. The values
// are kept with each hash, so that they may grow.
const (
	argonMemory = 32 << 10 // KiB
	argonPasses = 3
	argonLanes  = 1
	argonLength = 32
	argonSalt   = 16

	// hashingAtOnce times argonMemory is the most that logins can take.
	hashingAtOnce = 2
)

// NobodysHash is a hash that no password has: an unknown address takes as
// long as a known one, so that the time does not tell who is a member.
const NobodysHash = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$" +
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Passwords hashes and checks passwords, hashingAtOnce at a time, so that
// logins cannot take all memory (D8).
type Passwords struct {
	hashing chan struct{}
}

// NewPasswords returns a Passwords that is shared by all logins of a registry.
func NewPasswords() *Passwords {
	return &Passwords{hashing: make(chan struct{}, hashingAtOnce)}
}

// Hash returns the text under which a password is kept.
func (p *Passwords) Hash(ctx context.Context, password string) (hash string, err error) {
	err = p.slowly(ctx, func() { hash = hashPassword(password) })
	return hash, err
}

// Matches tells whether hash was made of password. An unreadable hash is an error.
func (p *Passwords) Matches(ctx context.Context, hash, password string) (matches bool, err error) {
	if busy := p.slowly(ctx, func() { matches, err = passwordMatches(hash, password) }); busy != nil {
		return false, busy
	}
	return matches, err
}

// slowly runs f when fewer than hashingAtOnce others hash passwords.
func (p *Passwords) slowly(ctx context.Context, f func()) error {
	select {
	case p.hashing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.hashing }()
	f()
	return nil
}

// hashPassword returns the usual text form of an Argon2id hash.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonLength)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonPasses, argonLanes, enc.EncodeToString(salt), enc.EncodeToString(key))
}

// passwordMatches compares in constant time.
func passwordMatches(hash, password string) (bool, error) {
	var version, memory, passes int
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("read password hash: not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("read password hash: version %q", parts[2])
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false, fmt.Errorf("read password hash: no key")
	}
	got := argon2.IDKey([]byte(password), salt, uint32(passes), uint32(memory), lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
