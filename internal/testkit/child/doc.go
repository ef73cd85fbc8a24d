// Package child has what every test needs that starts another program: that it does not
// outlive the test, and that it can be stopped where it is.
//
// It is not how a program is started or found; each server's package knows that.
// Start reading at BindLife.
package child
