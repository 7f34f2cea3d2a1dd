package streams

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Now and then nats-server 2.15.2 leaves a file store behind when it shuts down: its two flushers and the clock that
	// it registers. The staging store of a batch that is open at that moment is the likely one; the tests of group commit
	// leave some open on purpose. They are no goroutines of this package.
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction(server+".(*msgBlock).flushLoop"),
		goleak.IgnoreTopFunction(server+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction(server+"/ats.Register.func1"))
}
