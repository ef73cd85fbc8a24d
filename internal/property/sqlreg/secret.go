// Random identifiers and secrets, and how they are kept (R2).
package sqlreg

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/argon2"

	"tidemark/internal/event"
)

const (
	base62   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	capitals = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

	secretLength = 24 // of base62: 142 bits

	minPropertyID = 100_000_000
	maxPropertyID = 9_999_999_999
)

// randomText returns n characters of alphabet, each equally likely.
func randomText(alphabet string, n int) string {
	out := make([]byte, 0, n)
	fair := 256 - 256%len(alphabet)
	var buf [64]byte
	for {
		_, _ = rand.Read(buf[:]) // it never fails: the program would stop
		for _, b := range buf {
			if int(b) >= fair {
				continue
			}
			if out = append(out, alphabet[int(b)%len(alphabet)]); len(out) == n {
				return string(out)
			}
		}
	}
}

func newSecret() string        { return randomText(base62, secretLength) }
func newMeasurementID() string { return "G-" + randomText(capitals, 10) }

// newPropertyID returns 9 or 10 random digits, so that an id tells nothing
// about how many properties there are.
func newPropertyID() (event.PropertyID, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(maxPropertyID-minPropertyID+1))
	if err != nil {
		return 0, fmt.Errorf("make property id: %w", err)
	}
	return event.PropertyID(n.Uint64() + minPropertyID), nil
}

// digest is how a random secret is kept. One round is enough: there is
// nothing to guess in 128 random bits.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

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

// slowly runs f when fewer than hashingAtOnce others hash passwords.
func (d *DB) slowly(ctx context.Context, f func()) error {
	select {
	case d.hashing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.hashing }()
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
