// Quoting: every text that reaches SQL passes here, so that no text is code.
package duckstore

import (
	"strconv"
	"strings"

	"tidemark/internal/event"
)

// quote returns s as a SQL string literal. Such literals know no escapes but
// the doubled quote. A zero byte would end the statement for the C API, so it is
// spelled as chr(0). Bytes that are no UTF-8 cannot be in any row; they are
// replaced as Append replaces them.
func quote(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	lit := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.IndexByte(s, 0) < 0 {
		return lit
	}
	return "(" + strings.ReplaceAll(lit, "\x00", "'||chr(0)||'") + ")"
}

// micros returns t as a BIGINT literal.
func micros(t event.Time) string {
	return "CAST(" + strconv.FormatInt(int64(t), 10) + " AS BIGINT)"
}

func propertyLiteral(p event.PropertyID) string {
	return "CAST(" + p.String() + " AS UBIGINT)"
}

// quoteList returns the texts as a SQL list.
func quoteList(texts []string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range texts {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(s))
	}
	b.WriteByte(']')
	return b.String()
}
