// Package property is the contract of the registry: properties with their data
// streams and keys, members who log in, and the salts of cookieless ids.
// sqlreg keeps it in SQLite for one machine, pgreg in PostgreSQL for many;
// recall, in front of it, still knows who may read what while it does not answer.
// The suite in propertytest holds every adapter to it.
//
// It is not on the path of each event: collectors cache what they look up and
// follow Changes.
//
// Guarantees:
//
//	R1  What one process writes, another that has the same registry open sees
//	    within a second, and at once on a lookup that misses.
//	R2  Secrets are stored so that the registry's files alone do not let anyone
//	    in: API secrets, read keys, login tokens and one-time tokens as SHA-256
//	    (they are random 128 bits or more), passwords as Argon2id.
//	R3  A setup token makes exactly one member, also when used twice at once.
//	R4  Salts live 72 h + 1 day after the end of their day and are then gone from
//	    the tables (each adapter says from where else, and from where not), so that
//	    an old cookieless id cannot be redone (S10).
//
// Concurrency: all methods may be called from any goroutine.
package property
