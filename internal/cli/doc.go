// Package cli is the command line: its grammar, the bodies of the commands,
// and how they draw in a terminal.
//
// It is not the server: what serve and demo start is given to it by package
// main (Programs). The commands report, tail, ledger and simulate are clients
// that speak public HTTP only; property opens the registry, which works beside
// a running server.
//
// Guarantees:
//
//	CL1  With --json, standard output is JSON and nothing else.
//	CL2  Text that came from outside is printed without control characters, so
//	     that a page title cannot drive the terminal.
//	CL3  Colours and progress are drawn on a terminal only.
//	CL4  The exit code is 0 for done, 1 for an error, 2 for a wrong command line.
//
// Start reading at cli.go.
package cli
