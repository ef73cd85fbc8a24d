// Params: one value of the JSON object that an event carries, as text.
package duckstore

import (
	"fmt"
	"regexp"
	"strings"

	"tidemark/internal/store"
)

// paramText renders the value of key as event.Param.AppendText prints it; a
// missing one is NotSet. Texts, whole numbers and booleans come from the JSON
// parser. A fraction is cut out of the object as it was written, because the
// parser would print 1.5e+06 its own way. The cut is safe in the compact objects that
// the fold writes: `,"key":` cannot occur inside a JSON string, where a quote is
// written as \u0022.
func paramText(column, key string) string {
	obj := "nullif(" + column + ", '')"
	path := quote("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	cut := quote(`[{,]"` + regexp.QuoteMeta(jsonKey(key)) + `":([-+0-9.eE]+)`)
	return fmt.Sprintf("coalesce(CASE WHEN json_type(%s, %s) = 'DOUBLE' "+
		"THEN regexp_extract(%s, %s, 1) ELSE json_extract_string(%s, %s) END, %s)",
		obj, path, obj, cut, obj, path, quote(store.NotSet))
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
