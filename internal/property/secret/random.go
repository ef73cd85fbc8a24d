// Random identifiers and secrets, and how secrets are kept (R2).
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"

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

// New returns a secret: an API secret, a read key or a token.
func New() string { return randomText(base62, secretLength) }

// MeasurementID returns the public name of a new data stream.
func MeasurementID() string { return "G-" + randomText(capitals, 10) }

// PropertyID returns 9 or 10 random digits, so that an id tells nothing
// about how many properties there are.
func PropertyID() (event.PropertyID, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(maxPropertyID-minPropertyID+1))
	if err != nil {
		return 0, fmt.Errorf("make property id: %w", err)
	}
	return event.PropertyID(n.Uint64() + minPropertyID), nil
}

// Digest is how a random secret is kept. One round is enough: there is
// nothing to guess in 128 random bits.
func Digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// saltLength is that of SHA-256, in whose HMAC a salt is the key.
const saltLength = 32

// Salt returns the salt of a new day (S10).
func Salt() []byte {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt)
	return salt
}
