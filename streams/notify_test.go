package streams

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

// closing is the record that completes a run as its transition k.
func (f *fixture) closing(run history.Run, k, previous uint64) ([]byte, RecordInfo) {
	f.Helper()
	t := &history.Transition{
		RunID: run.RunID, Number: k, CommitID: uuid.NewString(), Previous: previous, Cover: "start", Time: time.Now().UTC(),
		Events: []history.Event{history.NewEvent(int64(k)+1, &history.WorkflowExecutionCompleted{})},
	}
	data, err := history.Encode(t)
	f.ok(err)
	return data, RecordInfo{Number: k, CommitID: t.CommitID, Previous: previous, Type: "Order", LastEvent: int64(k) + 1,
		Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED.String()}
}

// What is no end of the run does not end the wait: records that go on, junk in the lane and on the live subject, and an
// end that somebody else than the broker publishes there.
func TestAwaitClosed(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("a.b").Run
	last := f.append(run, 1, 0)
	type outcome struct {
		closed *ClosedRun
		err    error
	}
	ended := make(chan outcome, 1)
	f.awaitSubscription(func() {
		go func() {
			closed, err := f.ns.AwaitClosed(f.ctx, run)
			ended <- outcome{closed, err}
		}()
	})
	last = f.append(run, 2, last)
	f.ok(f.nc.Publish(liveSubject("test", run), []byte("noise")))
	forged, info := f.closing(run, 3, last)
	f.ok(f.nc.PublishMsg(&nats.Msg{Subject: liveSubject("test", run), Header: recordHeader(info), Data: forged}))
	f.ok(f.nc.Flush())
	_ = f.junk(run)
	last = f.append(run, 3, last+1)
	select {
	case o := <-ended:
		t.Fatalf("the wait ended before the run: %+v, %v", o.closed, o.err)
	default:
	}
	data, info := f.closing(run, 4, last)
	_, err := f.ns.Append(f.ctx, run, data, info, last)
	f.ok(err)
	o := <-ended
	f.ok(o.err)
	if o.closed.Status != info.Status || o.closed.Closing.CommitID != info.CommitID {
		t.Errorf("closed as %s by %s", o.closed.Status, o.closed.Closing.CommitID)
	}
	again, err := f.ns.AwaitClosed(f.ctx, run)
	f.ok(err)
	if again.Closing.CommitID != info.CommitID {
		t.Errorf("closed by %s", again.Closing.CommitID)
	}
}

// awaitSubscription returns when the connection has one more subscription than before begin.
func (f *fixture) awaitSubscription(begin func()) {
	f.Helper()
	before := f.nc.NumSubscriptions()
	begin()
	for f.nc.NumSubscriptions() == before {
		if f.ctx.Err() != nil {
			f.Fatal("nobody subscribed")
		}
		time.Sleep(time.Millisecond) // no event tells of it
	}
}

func TestAwaitClosedEnds(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	short, cancel := context.WithTimeout(f.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := f.ns.AwaitClosed(short, run); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("await of an open run: %v", err)
	}
	nc, err := nats.Connect(f.server.ClientURL())
	f.ok(err)
	ns, err := Open(f.ctx, nc, "test")
	f.ok(err)
	ended := make(chan error, 1)
	go func() {
		_, err := ns.AwaitClosed(f.ctx, run)
		ended <- err
	}()
	for nc.NumSubscriptions() < 1 {
		time.Sleep(time.Millisecond) // no event tells of it
	}
	nc.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUnavailable) && !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("await on a closed connection: %v", err)
	}
}

// A listener hears again after the connection came back, and learns of its end.
func TestListenClosedOutlivesAServer(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	heard, ended := make(chan string, 1), make(chan struct{})
	_, err := f.ns.ListenClosed("me", func(runID string, _ []byte) { heard <- runID }, func() { close(ended) })
	f.ok(err)
	f.server = devtest.Restart(t, f.server)
	for f.nc.FlushTimeout(time.Second) != nil { // until it is connected again
		f.ok(f.ctx.Err())
	}
	f.ok(f.ns.NotifyClosed(run, "me", []byte("r")))
	if got := <-heard; got != run.RunID {
		t.Errorf("heard of run %q", got)
	}
	f.nc.Close()
	<-ended
}

// A notice counts for what it is: the record that closed this run.
func TestClosedIn(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run, other := newRun("w").Run, newRun("w").Run
	closing, _ := f.closing(run, 1, 0)
	open, _ := f.transition(run, 1, 0)
	closed, err := ClosedIn(f.ctx, f.ns, run, closing)
	f.ok(err)
	if closed.Status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED.String() {
		t.Errorf("closed as %s", closed.Status)
	}
	for _, c := range []struct {
		run  history.Run
		data []byte
	}{{run, open}, {other, closing}, {run, []byte("noise")}, {run, nil}} {
		if _, err := ClosedIn(f.ctx, f.ns, c.run, c.data); err == nil {
			t.Errorf("%q ends run %s", c.data, c.run)
		}
	}
}
