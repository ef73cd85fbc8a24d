// Params: one value of the JSON object that an event carries, as text.
package clickstore

import (
	"fmt"
	"regexp"
	"strings"

	"tidemark/internal/store"
)

// paramText renders the value of key as event.Param.AppendText prints it; a
// missing one is NotSet. Texts come from the JSON parser. Numbers and booleans are
// cut out of the object as they were written, because the parser would print 1.5e+06 its
// own way. The cut is safe in the compact objects that the fold writes: `,"key":` cannot
// occur inside a JSON string, where a quote is written as \u0022.
func paramText(column, key string) string {
	cut := fmt.Sprintf("extract(%s, %s)", column, quote(`[{,]"`+regexp.QuoteMeta(jsonKey(key))+`":([-+0-9.eE]+|true|false)`))
	return fmt.Sprintf("multiIf(JSONType(%s, %s) = 'String', JSONExtractString(%s, %s), %s != '', %s, %s)",
		column, quote(key), column, quote(key), cut, cut, quote(store.NotSet))
}

// jsonKey writes key as the fold does between quotes: quotes, backslashes and
// control characters as \u00XX, all else as it is.
func jsonKey(key string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(key, "\uFFFD") {
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
