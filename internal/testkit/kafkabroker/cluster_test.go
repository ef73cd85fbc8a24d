// The brokers that other tests rely on do start, and a killed one comes back.
package kafkabroker_test

import (
	"context"
	"testing"
	"time"

	"tidemark/internal/testkit/kafkabroker"
)

func TestBrokerIsKilledAndComesBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := kafkabroker.Start(ctx, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Kill(0)
	if err := c.Restart(ctx, 0); err != nil {
		t.Fatalf("%v\n%s", err, c.Output())
	}
}
