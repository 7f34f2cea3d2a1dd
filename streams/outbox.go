package streams

import (
	"runtime"
	"time"

	"github.com/nats-io/nats.go"
)

// outbox holds messages for a moment, so that those of many runs leave together: each message that is published alone
// costs a system call here, and the reading of it at the broker. Its fields belong to link.mu.
type outbox struct {
	posted []posted
	spare  []posted // memory for the next ones
	// sending says that a goroutine publishes what is posted. It ends when nothing is left.
	sending bool
	// alone is how many requests under way are still too few for anything to be gathered. Negative: nothing ever is.
	alone int
}

// defaultAlone keeps a few callers from waiting for each other.
const defaultAlone = 4

// posted is a message that waits, or somebody who waits until those before it have been published.
type posted struct {
	msg  *nats.Msg
	line *line // of a request, to be told of an error
	done chan struct{}
}

// post publishes a message, or leaves it to be published with others. What one goroutine posts keeps its order.
func (l *link) post(m *nats.Msg, x *line) error {
	l.mu.Lock()
	if !l.sending && (l.alone < 0 || len(l.busy) <= l.alone) {
		l.mu.Unlock()
		return l.nc.PublishMsg(m)
	}
	l.enqueueLocked(posted{msg: m, line: x})
	l.mu.Unlock()
	return nil
}

func (l *link) enqueueLocked(p posted) {
	l.posted = append(l.posted, p)
	if !l.sending {
		l.sending = true
		go l.sendPosted()
	}
}

// sendPosted publishes what is posted until nothing is left. It lets all others run first that are ready to, and those
// that these make ready: they may have something to post.
func (l *link) sendPosted() {
	for {
		runtime.Gosched()
		runtime.Gosched()
		l.mu.Lock()
		all := l.posted
		if len(all) == 0 {
			l.sending = false
			l.mu.Unlock()
			return
		}
		l.posted, l.spare = l.spare[:0], nil
		l.mu.Unlock()
		for _, p := range all {
			if p.done != nil {
				close(p.done)
			} else if err := l.nc.PublishMsg(p.msg); err != nil && p.line != nil {
				p.line.giveUp(err)
			}
		}
		clear(all)
		l.mu.Lock()
		l.spare = all[:0]
		l.mu.Unlock()
	}
}

// flush returns when the broker has everything that was posted before.
func (l *link) flush(timeout time.Duration) error {
	l.mu.Lock()
	var done chan struct{}
	if l.sending {
		done = make(chan struct{})
		l.enqueueLocked(posted{done: done})
	}
	l.mu.Unlock()
	if done != nil {
		<-done // nothing of it blocks
	}
	return l.nc.FlushTimeout(timeout)
}

func (x *line) giveUp(why error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.giveUpLocked(why)
}
