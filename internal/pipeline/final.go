// Final: what others may know of final days, as of one commit.
package pipeline

import (
	"tidemark/internal/event"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// FinalDays returns the committed manifest, which the store has installed, and what was
// changed of final days up to it. Neither may be changed.
func (p *Processor) FinalDays() (store.Manifest, map[event.PropertyID][]state.Restatement) {
	m := p.keeper.meta()
	return m.Manifest, m.Restatements
}
