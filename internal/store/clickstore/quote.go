// Quoting: every text that reaches SQL passes here, so that no text is code.
package clickstore

import (
	"strconv"
	"strings"

	"tidemark/internal/event"
)

// quote returns s as a SQL string literal. Bytes that are no UTF-8 cannot be in any
// row; they are replaced as rows replace them.
func quote(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

// micros returns t as an Int64 literal.
func micros(t event.Time) string { return "toInt64(" + strconv.FormatInt(int64(t), 10) + ")" }

func propertyLiteral(p event.PropertyID) string { return "toUInt64(" + p.String() + ")" }
