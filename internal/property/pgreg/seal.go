// Sealing salts under a key that the database does not have (R4).
package pgreg

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// How a salt lies in its row.
const (
	plain  int16 = 0
	sealed int16 = 1
)

// MinSaltKey is the least length of a salt key in bytes: less could be guessed.
const MinSaltKey = 16

// errNoKey: the salt was sealed under a key that this node does not have. It
// is no reason to make a new one: ids of one day would be of two kinds.
var errNoKey = errors.New("no salt key opens it: give all nodes the same keys")

type sealer struct {
	keys []cipher.AEAD // the first seals
}

func newSealer(keys [][]byte) (*sealer, error) {
	s := &sealer{}
	for i, key := range keys {
		if len(key) < MinSaltKey {
			return nil, fmt.Errorf("key %d has %d bytes, at least %d are needed", i+1, len(key), MinSaltKey)
		}
		// Derived, so that the operator's key may have any length and other uses.
		derived, err := hkdf.Key(sha256.New, key, nil, "tidemark salt 1", 32)
		if err != nil {
			return nil, fmt.Errorf("derive key %d: %w", i+1, err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, fmt.Errorf("use key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("use key %d: %w", i+1, err)
		}
		s.keys = append(s.keys, aead)
	}
	return s, nil
}

// seal returns what is kept of the salt, and how. The day is sealed in: the salt
// of another day in its place does not open.
func (s *sealer) seal(day string, salt []byte) (kept []byte, how int16) {
	if len(s.keys) == 0 {
		return salt, plain
	}
	nonce := make([]byte, s.keys[0].NonceSize())
	_, _ = rand.Read(nonce) // it never fails: the program would stop
	return s.keys[0].Seal(nonce, nonce, salt, []byte(day)), sealed
}

func (s *sealer) open(day string, kept []byte, how int16) ([]byte, error) {
	switch how {
	case plain:
		return kept, nil
	case sealed:
	default:
		return nil, fmt.Errorf("open salt: unknown kind %d", how)
	}
	for _, aead := range s.keys {
		if len(kept) < aead.NonceSize() {
			break
		}
		salt, err := aead.Open(nil, kept[:aead.NonceSize()], kept[aead.NonceSize():], []byte(day))
		if err == nil {
			return salt, nil
		}
	}
	return nil, fmt.Errorf("open salt: %w", errNoKey)
}
