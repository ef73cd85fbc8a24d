// Items: from "idSKU1~nmShirt~pr19.9~k0color~v0red" to a JSON object with the
// names that the Measurement Protocol uses.
package ga4

import (
	"encoding/json"
	"strconv"
	"strings"

	"tidemark/internal/collect/wire"
	"tidemark/internal/event"
)

// maxItems is what the tag itself sends at most.
const maxItems = 200

// itemNumber reads the number of "pr17", or returns 0.
func itemNumber(key string) int {
	digits, ok := strings.CutPrefix(key, "pr")
	if !ok || digits == "" || len(digits) > 3 {
		return 0
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > maxItems {
		return 0
	}
	return n
}

// itemField returns the name of a two-letter key, "" if it has none.
func itemField(key string) string {
	switch key {
	case "id":
		return "item_id"
	case "nm":
		return "item_name"
	case "br":
		return "item_brand"
	case "ca":
		return "item_category"
	case "c2", "c3", "c4", "c5":
		return "item_category" + key[1:]
	case "pr":
		return "price"
	case "qt":
		return "quantity"
	case "va":
		return "item_variant"
	case "cp":
		return "coupon"
	case "ds":
		return "discount"
	case "ln":
		return "item_list_name"
	case "li":
		return "item_list_id"
	case "lp":
		return "index"
	case "af":
		return "affiliation"
	case "lo":
		return "location_id"
	case "pi":
		return "promotion_id"
	case "pn":
		return "promotion_name"
	case "cn":
		return "creative_name"
	case "cs":
		return "creative_slot"
	}
	return ""
}

// appendItems appends a JSON array of the items, as many whole ones from the
// first on as fit into a param.
func appendItems(dst []byte, items []string) []byte {
	dst = append(dst, '[')
	for _, item := range items {
		before := len(dst)
		if before > 1 {
			dst = append(dst, ',')
		}
		dst = appendItem(dst, item)
		if len(dst)+1 > event.MaxParamText {
			dst = dst[:before]
			break
		}
	}
	return append(dst, ']')
}

func appendItem(dst []byte, item string) []byte {
	dst = append(dst, '{')
	open := len(dst)
	custom := ""
	for token := range strings.SplitSeq(item, "~") {
		if len(token) < 2 || len(dst) > event.MaxParamText {
			continue
		}
		key, value := token[:2], token[2:]
		name := itemField(key)
		switch {
		case key[0] == 'k' && isDigit(key[1]):
			custom = value
			continue
		case key[0] == 'v' && isDigit(key[1]):
			name, custom = custom, ""
		}
		if name == "" {
			continue
		}
		if len(dst) > open {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, name)
		dst = append(dst, ':')
		dst = appendItemValue(dst, key, value)
	}
	return append(dst, '}')
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func appendItemValue(dst []byte, key, value string) []byte {
	switch key {
	case "pr", "qt", "ds", "lp":
		if json.Valid([]byte(value)) && (isDigit(value[0]) || value[0] == '-') {
			return append(dst, value...)
		}
	}
	return appendJSONString(dst, value)
}

func appendJSONString(dst []byte, text string) []byte {
	quoted, err := json.Marshal(wire.Cut(text, event.MaxParamText))
	if err != nil {
		panic("BUG: a string cannot be marshalled: " + err.Error())
	}
	return append(dst, quoted...)
}
