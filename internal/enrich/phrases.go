// Phrases: finds which of some thousand fixed texts occur in a text, in one
// pass. User agents are tested against so many patterns that trying them one
// by one would take a millisecond.
package enrich

// phraseMin is the shortest text a phrase set can hold: it looks for the
// first three bytes of each.
const phraseMin = 3

// phrase is a text to look for; id is its owner's.
type phrase struct {
	text string
	id   int
}

// phraseSet finds phrases by their first three bytes. It is read-only once filled.
type phraseSet struct {
	heads  [1 << 9]uint64 // one bit for each hash of three bytes that some phrase begins with
	byHead map[uint32][]phrase
}

func newPhraseSet() *phraseSet { return &phraseSet{byHead: map[uint32][]phrase{}} }

// add takes a lower-case text of at least phraseMin bytes.
func (s *phraseSet) add(text string, id int) {
	h := head(text)
	s.byHead[h] = append(s.byHead[h], phrase{text, id})
	bit := headBit(h)
	s.heads[bit>>6] |= 1 << (bit & 63)
}

// at returns the phrases that may begin at s[i]; the caller compares the rest.
func (s *phraseSet) at(lower string, i int) []phrase {
	h := head(lower[i:])
	if bit := headBit(h); s.heads[bit>>6]&(1<<(bit&63)) == 0 {
		return nil
	}
	return s.byHead[h]
}

func head(s string) uint32 { return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 }

// headBit spreads the three bytes over 15 bits.
func headBit(h uint32) uint32 { return h * 0x9E3779B1 >> 17 }

// lowerASCII returns s with A to Z in lower case; other bytes stay.
func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
