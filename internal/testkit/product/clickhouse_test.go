// The report specification with reports answered by ClickHouse (M7): what the real fold tells the
// store goes to ClickHouse too, its days become final there, and every question is asked there.
package product_test

import (
	"testing"

	"tidemark/internal/store/clickstore"
	"tidemark/internal/testkit/clickserver"
	"tidemark/internal/testkit/spec"
)

func TestSpecsAnsweredByClickHouse(t *testing.T) {
	server, err := clickserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	spec.Run(t, specs, func(t testing.TB) spec.Engine {
		click, err := clickstore.Open(t.Context(), clickstore.Config{URL: server.URL(), Database: server.NewDatabase(t),
			User: clickserver.User, Password: clickserver.Password, Log: "spec"}, clickstore.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		return openDoubled(t, click)
	}, spec.Options{Final: true})
}
