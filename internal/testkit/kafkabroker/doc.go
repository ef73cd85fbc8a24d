// Package kafkabroker runs real Apache Kafka brokers for tests.
//
// Maven fetches Kafka once into the user's cache directory (jars.go); brokers are
// processes of the JDK at hand, on free ports of the loopback (cluster.go). A node
// is broker and controller at once, so three of them are a quorum. Each has a
// listener for every way of getting in: plain, SASL, TLS, and SASL over TLS.
//
// It is not for anything but tests: the password is in the source, certificates
// live a day, and data goes with the test. It ends only processes it started.
//
// Concurrency: a Cluster is for one goroutine, its addresses may be read by all.
//
// Start reading at Start.
package kafkabroker
