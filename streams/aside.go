package streams

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/internal/goroutines"
)

// aside is where a consumer puts what is no message of its lane. It becomes a dead letter and is acknowledged then. What
// was pulled with it does not wait for that: a few are put away at a time, and what there is no room for is handed back.
type aside struct {
	namespace *Namespace
	// life ends with close.
	life    context.Context
	end     context.CancelFunc
	backlog goroutines.Backlog
}

const (
	// lettersAtOnce is how many dead letters are on their way at a time, maxAside how many messages wait at most to become
	// some, and maxAsideBytes how large these are together.
	lettersAtOnce = 2
	maxAside      = 10_000
	maxAsideBytes = 16 << 20
	// asideDelay is how long what was handed back rests at least, and half of how long at most.
	asideDelay = 5 * time.Second
)

func newAside(ctx context.Context, n *Namespace) *aside {
	a := &aside{namespace: n, backlog: goroutines.Backlog{Width: lettersAtOnce, Jobs: maxAside, Bytes: maxAsideBytes}}
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	return a
}

// put puts a message there, with the reason why it cannot be used. A hand-back that is lost leads to the same, after AckWait.
func (a *aside) put(m pulled, reason error) {
	if !a.backlog.Add(len(m.msg.Data), func() { a.putAway(m, reason) }, func() { _ = m.acker.Nak(0) }) {
		_ = m.acker.Nak(asideDelay + rand.N(asideDelay)) // or all of them would come at once
	}
}

func (a *aside) putAway(m pulled, reason error) {
	err := a.namespace.PutDeadLetter(a.life, DeadLetter{
		ID:     fmt.Sprintf("%s-%d", m.at.stream, m.at.seq),
		Reason: reason.Error(), Subject: m.msg.Subject, Headers: m.msg.Header, Data: m.msg.Data,
	})
	if err == nil { // what is not put away is not acknowledged: it comes again
		_ = m.acker.Ack(a.life)
	}
}

// close hands back what is not on its way, and waits for what is.
func (a *aside) close() {
	a.end()
	a.backlog.Close()
}
