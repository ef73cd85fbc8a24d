// Limits on what one event may hold (D8, S38). Collectors cut texts to them
// and refuse what cannot be cut.
package event

// Bytes unless said otherwise. Too small a limit cuts facts off that reports
// group by; too large a one lets a single sender fill memory and disk.
const (
	MaxKey       = 64
	MaxClientID  = 128
	MaxUserID    = 256
	MaxSessionID = 64
	MaxName      = 64
	MaxUserAgent = 256
	MaxURL       = 4096
	MaxTitle     = 512
	MaxLanguage  = 35
	MaxScreen    = 16
	MaxParams    = 256 // params, and as many user properties
	MaxParamKey  = 64
	MaxParamText = 8192
	MaxEvent     = 64 << 10 // the whole record, encoded
)
