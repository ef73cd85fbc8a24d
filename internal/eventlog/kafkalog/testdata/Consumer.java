// A consumer that knows only docs/format/kafka.md. It prints each record of a
// topic from the beginning to the end: partition, offset, counts, payload in
// hexadecimal; the checksum must fit. Arguments: broker, topic.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class Consumer {
    public static void main(String[] args) {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("enable.auto.commit", "false");
        try (KafkaConsumer<byte[], byte[]> c =
                new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            c.partitionsFor(args[1]).forEach(i -> partitions.add(new TopicPartition(args[1], i.partition())));
            c.assign(partitions);
            c.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = c.endOffsets(partitions);
            while (partitions.stream().anyMatch(t -> c.position(t) < ends.get(t))) {
                for (ConsumerRecord<byte[], byte[]> r : c.poll(Duration.ofSeconds(10))) {
                    System.out.println(describe(r));
                }
            }
        }
    }

    static String describe(ConsumerRecord<byte[], byte[]> r) {
        ByteBuffer header = ByteBuffer.wrap(r.headers().lastHeader("tidemark").value());
        if (header.get() != 1) {
            throw new IllegalStateException("another format version");
        }
        int want = header.getInt();
        CRC32C sum = new CRC32C();
        sum.update(ByteBuffer.allocate(4).putInt(r.partition()).flip());
        sum.update(header.slice());
        sum.update(r.value());
        if ((int) sum.getValue() != want) {
            throw new IllegalStateException("checksum does not fit at " + r.partition() + "/" + r.offset());
        }
        StringBuilder counts = new StringBuilder();
        while (header.hasRemaining()) {
            long property = uvarint(header), day = zigzag(uvarint(header)), n = zigzag(uvarint(header));
            byte[] reason = new byte[(int) uvarint(header)];
            header.get(reason);
            counts.append(String.format("%s,%d,%s,%d;", Long.toUnsignedString(property), day,
                    new String(reason, StandardCharsets.UTF_8), n));
        }
        return r.partition() + " " + r.offset() + " [" + counts + "] " + HexFormat.of().formatHex(r.value());
    }

    static long uvarint(ByteBuffer b) {
        long v = 0;
        for (int shift = 0; ; shift += 7) {
            byte x = b.get();
            v |= (long) (x & 0x7f) << shift;
            if (x >= 0) {
                return v;
            }
        }
    }

    static long zigzag(long v) {
        return (v >>> 1) ^ -(v & 1);
    }
}
