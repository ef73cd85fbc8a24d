// Report: what is wrong with a body, in the words of the protocol's validation
// server.
package mp

import "fmt"

// Code is a validation code of the protocol.
type Code string

// The codes.
const (
	ValueInvalid     Code = "VALUE_INVALID"
	ValueRequired    Code = "VALUE_REQUIRED"
	NameInvalid      Code = "NAME_INVALID"
	NameReserved     Code = "NAME_RESERVED"
	ValueOutOfBounds Code = "VALUE_OUT_OF_BOUNDS"
	TooManyEntities  Code = "EXCEEDED_MAX_ENTITIES"
	NameDuplicated   Code = "NAME_DUPLICATED"
)

// Message is one thing that is wrong.
type Message struct {
	FieldPath   string `json:"fieldPath"`
	Description string `json:"description"`
	Code        Code   `json:"validationCode"`
}

// maxMessages bounds a report: who sends a thousand mistakes reads the first.
const maxMessages = 100

// Report collects messages. A nil Report collects none.
type Report struct{ Messages []Message }

// Add adds a message.
func (r *Report) Add(path string, code Code, format string, args ...any) {
	if r == nil || len(r.Messages) == maxMessages {
		return
	}
	r.Messages = append(r.Messages, Message{
		FieldPath: path, Code: code, Description: fmt.Sprintf(format, args...),
	})
}
