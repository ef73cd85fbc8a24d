// Package pgserver runs a real PostgreSQL server for tests: in a folder of its
// own, on a Unix socket in that folder, with fsync on.
//
// It is not a fake and not a container. The programs are those of the machine;
// where they are missing, Start says what to install. PostgreSQL refuses to run
// as root, so a test that does starts the server as the user postgres.
//
// A test can stop the server in order, kill it with all its processes, as a
// power cut of the process would, freeze it, and start it again. Only processes
// that Start began are ever touched.
//
// A Server is for one goroutine; the URLs it returns may be used by all. Start
// reading at Start.
package pgserver
