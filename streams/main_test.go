package streams

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A purge that meets the shutdown of its server leaves the flusher of a block behind that nothing ends any more; seen
	// with nats-server 2.15.2. It is the server's own, and no goroutine of this package.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*msgBlock).flushLoop"))
}
