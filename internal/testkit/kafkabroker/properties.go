// The settings of a node, as a file that Kafka reads.
package kafkabroker

import (
	"fmt"
	"path/filepath"
	"strings"
)

// propertiesOf returns server.properties of a node. Times are short, so that a
// test need not wait long until the others notice a killed broker.
func (c *Cluster) propertiesOf(nd *node) string {
	var voters, listeners, advertised []string
	for _, other := range c.nodes {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", other.id, other.ports[controller]))
	}
	for _, name := range listenerNames() {
		address := fmt.Sprintf("%s://127.0.0.1:%d", name, nd.ports[name])
		listeners = append(listeners, address)
		if name != controller {
			advertised = append(advertised, address)
		}
	}
	replicas := min(3, len(c.nodes))
	lines := []string{
		"process.roles=broker,controller",
		fmt.Sprint("node.id=", nd.id),
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"controller.listener.names=" + controller,
		"inter.broker.listener.name=" + plainListener,
		"listeners=" + strings.Join(listeners, ","),
		"advertised.listeners=" + strings.Join(advertised, ","),
		"listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.Join(nd.dir, "data"),
		"auto.create.topics.enable=false",

		fmt.Sprint("offsets.topic.replication.factor=", replicas),
		"offsets.topic.num.partitions=1",
		fmt.Sprint("transaction.state.log.replication.factor=", replicas),
		fmt.Sprint("transaction.state.log.min.isr=", min(2, replicas)),
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=500",

		"broker.session.timeout.ms=1500",
		"broker.heartbeat.interval.ms=300",
		"controller.quorum.election.timeout.ms=500",
		"controller.quorum.election.backoff.max.ms=200",
		"controller.quorum.fetch.timeout.ms=1000",
		"controlled.shutdown.enable=false",

		"num.network.threads=2",
		"num.io.threads=2",
		"log.cleaner.dedupe.buffer.size=2000000",

		"ssl.keystore.type=PEM",
		"ssl.keystore.location=" + c.Files.broker,
		"ssl.truststore.type=PEM",
		"ssl.truststore.location=" + c.Files.CA,
		"listener.name.tls.ssl.client.auth=required",
	}
	for _, listener := range []string{"sasl", "sasltls"} {
		prefix := "listener.name." + listener + "."
		lines = append(lines, prefix+"sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			prefix+"plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_"+User+`="`+Password+`";`)
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			lines = append(lines, prefix+mechanism+".sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
