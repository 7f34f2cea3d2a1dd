package streams

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Now and then nats-server 2.15.2 leaves the flusher of one of its files behind when it shuts down (two of about ten
	// runs under load; why was not found). It is no goroutine of this package.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*msgBlock).flushLoop"))
}
