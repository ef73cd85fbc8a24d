// Package objectserver runs a real S3-compatible server for tests: versitygw,
// which keeps objects as files of a folder. It is built from its Go module into
// the user's cache when it is first needed, which takes a few minutes.
//
// It is not a fake and not a container. A test can kill the server, freeze it,
// start it again on the same folder and port, damage what it keeps, and hand its
// clients a certificate. Only processes that Start began are ever touched.
//
// A Server is for one goroutine; its URL and buckets may be used by all. Start
// reading at Start.
package objectserver
