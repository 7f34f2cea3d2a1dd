package streams

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// silence subscribes to a subject and answers nothing; arrived gets what is sent there.
func (f *fixture) silence(subject string) (arrived chan *nats.Msg) {
	f.Helper()
	arrived = make(chan *nats.Msg, 100)
	_, err := f.nc.ChanSubscribe(subject, arrived)
	f.ok(err)
	f.ok(f.nc.Flush())
	return arrived
}

// idle fails the test when the link still waits for something.
func (f *fixture) idle() {
	f.Helper()
	f.ns.link.mu.Lock()
	defer f.ns.link.mu.Unlock()
	if n := len(f.ns.link.busy); n > 0 {
		f.Errorf("%d requests wait", n)
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	arrived := f.silence("void")
	for _, timeout := range []time.Duration{0, time.Minute} {
		ctx, cancel := context.WithCancel(f.ctx)
		go func() {
			<-arrived
			cancel()
		}()
		_, err := f.ns.request(ctx, &nats.Msg{Subject: "void"}, timeout)
		f.is(err, context.Canceled)
		if _, err = f.ns.request(ctx, &nats.Msg{Subject: "void"}, timeout); !isUnanswered(err) {
			t.Errorf("a request whose context has ended: %v", err)
		}
	}
	f.idle()
}

// A request that gets no answer is given up, and an answer that comes later reaches neither it nor another one.
func TestLateAnswerReachesNobody(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	arrived := f.silence("void")
	_, err := f.ns.request(f.ctx, &nats.Msg{Subject: "void"}, 50*time.Millisecond)
	f.is(err, errNoAnswer)
	late := <-arrived
	f.idle()

	var group sync.WaitGroup
	group.Go(func() {
		answer, err := f.ns.request(f.ctx, &nats.Msg{Subject: "void"}, 0)
		if err != nil || string(answer.Data) != "timely" {
			t.Errorf("answer %v, %v", answer, err)
		}
	})
	timely := <-arrived
	f.ok(late.Respond([]byte("late")))
	f.ok(timely.Respond([]byte("timely")))
	f.ok(timely.Respond([]byte("again")))
	group.Wait()
	f.idle()
}

// The line of a request that was answered twice is used again.
func TestSecondAnswerIsNotTakenForThatToTheNextRequest(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	arrived := f.silence("void")
	for i := range 20 {
		want := strconv.Itoa(i)
		var group sync.WaitGroup
		group.Go(func() {
			answer, err := f.ns.request(f.ctx, &nats.Msg{Subject: "void"}, 0)
			if err != nil || string(answer.Data) != want {
				t.Errorf("answer %v, %v", answer, err)
			}
		})
		m := <-arrived
		f.ok(m.Respond([]byte(want)))
		f.ok(m.Respond([]byte("again")))
		group.Wait()
	}
	f.idle()
}

func TestNoResponders(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	_, err := f.ns.request(f.ctx, &nats.Msg{Subject: "nobody"}, time.Minute)
	f.is(err, nats.ErrNoResponders)
	if !isUnanswered(err) {
		t.Errorf("an error that ends the attempts: %v", err)
	}
}

// What waits when the connection is lost is given up at once, with time for the next attempt; the epoch has changed
// before the next answer.
func TestLostConnectionEndsRequests(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	nc, faults := f.connectFlaky()
	ns := f.open(nc, f.ns.name)
	epoch := ns.Epoch()
	arrived := f.silence("void")
	outcome := make(chan error, 1)
	go func() {
		_, err := ns.request(f.ctx, &nats.Msg{Subject: "void"}, time.Hour)
		outcome <- err
	}()
	<-arrived
	faults.cut()
	if err := <-outcome; !errors.Is(err, errDisconnected) {
		t.Errorf("a request that waited: %v", err)
	}
	f.ok(ns.PutNote(f.ctx, newRun("w").Run, []byte("x")))
	after := ns.Epoch()
	if after == epoch {
		t.Error("the epoch is the same after the connection was lost")
	}
	f.ok(ns.PutNote(f.ctx, newRun("w").Run, []byte("y")))
	if ns.Epoch() != after {
		t.Error("the epoch changed without a loss")
	}
}

func TestClosedConnectionEndsRequests(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	nc := devtest.Conn(t, f.server)
	ns := f.open(nc, f.ns.name)
	arrived := f.silence("void")
	outcome := make(chan error, 1)
	go func() {
		_, err := ns.request(f.ctx, &nats.Msg{Subject: "void"}, 0)
		outcome <- err
	}()
	<-arrived
	nc.Close()
	f.is(<-outcome, ErrUnavailable)
	_, _, err := ns.GetBeat(f.ctx, newRun("w").Run, 1)
	f.is(err, ErrUnavailable)
	f.is(err, nats.ErrConnectionClosed)
}

func TestPlainAck(t *testing.T) {
	for text, want := range map[string]uint64{
		`{"stream":"S","seq":7}`:                      7,
		`{"stream":"S","seq":1234567890123456789}`:    1234567890123456789,
		`{"stream":"S","seq":18446744073709551615}`:   0,
		`{"stream":"S","seq":0}`:                      0,
		`{"stream":"S","seq":7`:                       0,
		`{"stream":"S","seq":}`:                       0,
		`{"stream":"S", "seq":7}`:                     0,
		`{"stream":"S","seq":7,"duplicate":true}`:     0,
		`{"stream":"S","domain":"D","seq":7}`:         0,
		`{"error":{"code":400},"stream":"S","seq":0}`: 0,
		`{"stream":"S","seq":7}}`:                     0,
		``:                                            0,
	} {
		if seq, ok := plainAck([]byte(text)); seq != want && ok || ok != (want > 0) {
			t.Errorf("%s: %d, %v", text, seq, ok)
		}
	}
}

// A message that was given up before it was sent leaves as it was: the next attempt is a message of its own, or the broker
// would answer both where only the last one is waited for.
func TestAttemptsThatWaitToBeSentAreMessagesOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	l := f.ns.link
	l.mu.Lock()
	l.sending = true // by a goroutine that gets no processor
	l.mu.Unlock()
	run := newRun("w").Run
	data, info := f.closing(run, 1, 0)
	ended := make(chan error, 1)
	go func() {
		_, err := f.ns.Append(f.ctx, run, data, info, 0)
		ended <- err
	}()
	var waiting []posted
	for len(waiting) < 2 {
		time.Sleep(10 * time.Millisecond) // no event tells of it
		f.ok(f.ctx.Err())
		l.mu.Lock()
		waiting = l.posted
		l.mu.Unlock()
	}
	if first, second := waiting[0].msg.Reply, waiting[1].msg.Reply; first == second {
		t.Errorf("both attempts are answered on %s", first)
	}
	go l.sendPosted()
	f.ok(<-ended)
}
