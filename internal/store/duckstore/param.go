// Params: one value of the JSON object that an event carries, as text.
package duckstore

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"tidemark/internal/store"
)

// paramText renders the value of key as event.Param.AppendText prints it; a
// missing one is NotSet. Texts, whole numbers and booleans come from the JSON
// parser. A fraction is cut out of the object as it was written, because the
// parser would print 1.5e+06 its own way. The cut is safe in the compact objects that
// the fold writes: `,"key":` cannot occur inside a JSON string, where each
// quote has a backslash before it.
func paramText(column, key string) string {
	obj := "nullif(" + column + ", '')"
	path := quote("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	encoded, err := json.Marshal(key)
	if err != nil {
		panic("BUG: a text has no JSON: " + err.Error())
	}
	cut := quote(`[{,]` + regexp.QuoteMeta(string(encoded)) + `:([-+0-9.eE]+)`)
	return fmt.Sprintf("coalesce(CASE WHEN json_type(%s, %s) = 'DOUBLE' "+
		"THEN regexp_extract(%s, %s, 1) ELSE json_extract_string(%s, %s) END, %s)",
		obj, path, obj, cut, obj, path, quote(store.NotSet))
}
