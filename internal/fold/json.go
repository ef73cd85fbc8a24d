// JSON of params: numbers and booleans as such, texts escaped.
package fold

import (
	"math"
	"unicode/utf8"

	"tidemark/internal/event"
)

func appendJSONValue(b []byte, p *event.Param) []byte {
	switch v := p.Value.(type) {
	case *event.Param_Text:
		return appendJSONText(b, v.Text)
	case *event.Param_Number:
		if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
			return append(b, "null"...)
		}
		return p.AppendText(b)
	case *event.Param_Integer, *event.Param_Boolean:
		return p.AppendText(b)
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789abcdef"

func appendJSONText(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = append(append(b, s[from:i]...), '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			from = i + 1
		}
		i++
	}
	return append(append(b, s[from:]...), '"')
}
