// Package recall is a property.Registry in front of another one that is reached over a network. It
// still knows who may read what while that one does not answer, so reports go on
// without their database (D11).
//
// Guarantees:
//
//	RC1  While the registry answers, what it says counts: for properties and read keys
//	     within Config.Fresh (R1), for logins and members at once. "Not found" is an answer.
//	RC2  While it does not, what it said not longer than Config.Keep ago is said again.
//	     Nothing is said that it never said: who asks for the first time hears ErrAway. All that changes
//	     anything fails.
//	RC3  A login that was ended here, and settings that were changed here, are not recalled.
//	RC4  A caller waits at most Config.Patience for a registry that stands still, and
//	     of many callers one every Config.AskAgain.
//	RC5  Memory is bounded by Config.Entries. Keys and tokens are held as digests (R2).
//
// Concurrency: all methods may be called from any goroutine.
package recall
