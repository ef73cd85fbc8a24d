// Package propertytest is the conformance suite of the registry: what every
// adapter of package property must do, by the labels R1 to R4 of the contract.
//
// It is not a test of what an adapter keeps on disk: that secrets are hashed
// (R2) and erased (R4) in its own files each adapter tests itself.
//
// Start reading at Run.
package propertytest
