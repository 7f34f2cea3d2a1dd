package streams

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// TestALostTailIsSaid: the server comes back without the end of a stream, as after a power cut without syncing.
func TestALostTailIsSaid(t *testing.T) {
	for _, inbox := range []bool{false, true} {
		f := setup(t, 1)
		var said []Loss
		f.ns.OnLoss(func(l Loss) { said = append(said, l) })
		p := f.ns.partitions[0]
		stream, write := p.history, func(n int) { f.appendAll(newRun("w").Run, n) }
		if inbox {
			run, sent := newRun("w"), 0
			stream, write = p.streamNames.inbox, func(n int) {
				for range n {
					sent++
					f.ok(f.ns.Send(f.ctx, run, signal(fmt.Sprint("s", sent))))
				}
			}
		}
		write(3)
		f.killBetween(stream, func() { write(4) })
		write(2) // at the sequences of what was lost
		write(1)
		if len(said) != 1 || said[0] != (Loss{Stream: stream, First: 4, Last: 7}) {
			t.Fatalf("said %v, want one loss of 4 to 7 in %s", said, stream)
		}
		f.server = devtest.Restart(t, f.server)
		write(1)
		if len(said) != 1 {
			t.Errorf("said %v: nothing was lost by the second restart", said)
		}
		letters := 0
		for d, err := range f.ns.DeadLetters(f.ctx, 0) {
			f.ok(err)
			letters++
			if !strings.Contains(d.Reason, stream) || !strings.Contains(d.Reason, "between sequences 4 and 7") {
				t.Errorf("dead letter %+v", d)
			}
		}
		if letters != 1 {
			t.Errorf("%d dead letters, want 1", letters)
		}
	}
}

// TestAConsumerIsNotAheadOfItsStream: the server has kept what a consumer acknowledged, and lost the messages. What gets
// their sequences then has to be delivered.
func TestAConsumerIsNotAheadOfItsStream(t *testing.T) {
	for _, waiting := range []bool{false, true} { // while a receiver waits, or before one comes
		f := setup(t, 1)
		c, err := f.ns.Consume(f.ctx, LaneInbox, "orders", "", ConsumeOptions{})
		f.ok(err)
		run := newRun("w")
		f.killBetween(f.ns.partitions[0].streamNames.inbox, func() {
			for range 3 {
				f.ok(f.ns.Send(f.ctx, run, signal("lost")))
				got, err := c.Pull(f.ctx, 1)
				f.ok(err)
				f.ok(got[0].AckSync(f.ctx))
			}
			if !waiting {
				f.ok(c.Close())
			}
		})
		if !waiting {
			c, err = f.ns.Consume(f.ctx, LaneInbox, "orders", "", ConsumeOptions{})
			f.ok(err)
		}
		f.ok(f.ns.Send(f.ctx, run, signal("new")))
		got, err := c.Pull(f.ctx, 1)
		f.ok(err)
		if got[0].Seq != 1 || got[0].Run != run {
			t.Errorf("got %+v", got[0])
		}
		f.ok(got[0].AckSync(f.ctx))
		f.ok(c.Close())
	}
}

// TestStartsAreDeliveredAgainAfterALoss: a start whose transition was lost has nobody to drive it but itself.
func TestStartsAreDeliveredAgainAfterALoss(t *testing.T) {
	f := setup(t, 1)
	c, err := f.ns.Consume(f.ctx, LaneStarts, "orders", "", ConsumeOptions{})
	f.ok(err)
	defer func() { f.ok(c.Close()) }()
	run := newRun("w")
	_, err = f.start(run, 0)
	f.ok(err)
	got, err := c.Pull(f.ctx, 1)
	f.ok(err)
	f.killBetween(f.ns.partitions[0].history, func() {
		f.append(run.Run, 1, 0)
		f.ok(got[0].AckSync(f.ctx))
	})
	got, err = c.Pull(f.ctx, 1)
	f.ok(err)
	if got[0].Run.Run != run.Run {
		t.Errorf("got %+v", got[0])
	}
	f.ok(got[0].AckSync(f.ctx))
}
