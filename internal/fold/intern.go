// Interning: texts that many records share are kept once.
package fold

import "strings"

// interner holds texts of client records that come up again and again (browsers,
// countries, hosts). It also cuts them loose from the log's buffer, which they alias.
type interner map[string]string

// internerSize bounds it; when full it starts over, and texts in use stay alive
// through their users.
const internerSize = 1 << 14

func (n interner) get(s string) string {
	if s == "" {
		return ""
	}
	if have, ok := n[s]; ok {
		return have
	}
	if len(n) >= internerSize {
		clear(n)
	}
	s = strings.Clone(s)
	n[s] = s
	return s
}
