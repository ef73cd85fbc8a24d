// The event key of a hit (S5).
package ga4

import (
	"strconv"

	"tidemark/internal/collect/wire"
)

// key hashes what tells one hit of a page load from another. A retry of the
// same request has the same.
func key(client, session, page, number string, line int) string {
	text := make([]byte, 0, 96)
	for _, part := range []string{client, session, page, number} {
		text = append(text, part...)
		text = append(text, 0)
	}
	text = strconv.AppendInt(text, int64(line), 10)
	return wire.Hash(string(text))
}
