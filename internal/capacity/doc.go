// Package capacity turns a rate of events into machines: sums that anybody can do
// by hand, with what an event costs as it was measured (docs/scale.md).
//
// It is no model of queues: a role gets the processor time that it uses at the peak over the share of a core
// that may be busy. It knows no prices.
//
// Start reading at Plan.
package capacity
