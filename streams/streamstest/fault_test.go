package streamstest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// faulty is a model whose next call of op, of any run, is answered by a fault.
type faulty struct {
	*fixture
	*Model
	op    Op
	fault Fault
}

func newFaulty(t *testing.T) *faulty {
	x := &faulty{}
	x.Model = New(Options{Hook: func(op Op, _ history.Run, _ int) Fault {
		if op != x.op {
			return Proceed
		}
		x.op = ""
		return x.fault
	}})
	x.fixture = newFixture(t, x.Model)
	return x
}

func (x *faulty) next(op Op, fault Fault) { x.op, x.fault = op, fault }

func (x *faulty) appendNext(l *lane) (uint64, error) {
	data, info := l.record()
	return x.Model.Append(x.ctx, l.run, data, info, l.expected)
}

func TestLostWriteLeavesNothing(t *testing.T) {
	x := newFaulty(t)
	l := x.newLane()
	x.next(OpAppend, Lost)
	_, err := x.appendNext(l)
	x.wantError("lost append", err, streams.ErrUnavailable)
	x.wantError("lost append", err, ErrInjected)
	l.load(1)
}

func TestAmbiguousWriteIsStored(t *testing.T) {
	x := newFaulty(t)
	l := x.newLane()
	data, info := l.record()
	x.next(OpAppend, Ambiguous)
	_, err := x.Model.Append(x.ctx, l.run, data, info, 0)
	x.wantError("ambiguous append", err, streams.ErrUnavailable)
	seq, err := x.Model.Append(x.ctx, l.run, data, info, 0)
	x.noError("repeated append", err)
	l.number, l.previous, l.expected = 1, seq, seq
	l.load(1)
}

func TestCollisionLeavesNothing(t *testing.T) {
	x := newFaulty(t)
	l := x.newLane()
	x.next(OpAppend, InFlight)
	_, err := x.appendNext(l)
	x.wantError("append that collides", err, streams.ErrConflict)
	l.load(1)
	x.next(OpPublishStart, InFlight)
	_, err = x.Model.PublishStart(x.ctx, x.newRun(), nil, streams.StartInfo{}, 0)
	x.wantError("start that collides", err, streams.ErrConflict)
}

func TestStaleReadMissesTheNewest(t *testing.T) {
	x := newFaulty(t)
	l := x.newLane()
	l.append()
	first := l.expected
	l.append()
	x.next(OpTail, Stale)
	tail, err := x.Model.Tail(x.ctx, l.run)
	x.noError("stale tail", err)
	equal(x.fixture, "stale tail's sequence", tail.Seq, first)
	x.next(OpLoad, Stale)
	loaded, err := x.Model.Load(x.ctx, l.run, 0)
	x.noError("stale load", err)
	equal(x.fixture, "stale records", len(loaded.Records), 1)
	l.load(1)

	run := x.newRun()
	x.start(run, 0)
	x.next(OpLastStart, Stale)
	_, err = x.Model.LastStart(x.ctx, run.WorkflowID)
	x.wantError("stale last start", err, streams.ErrNotFound)
}

func TestDuplicateIsStoredTwice(t *testing.T) {
	x := newFaulty(t)
	run := x.newRun()
	x.next(OpSend, Duplicate)
	x.send(run, signal("x"))
	wantWaiting(x.fixture, run, "", 0, "s:x", "s:x")

	l := x.newLane()
	x.next(OpAppend, Duplicate)
	l.append()
	l.load(1) // a conditional write cannot be
}

func TestDeliveriesAndAnswersFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFaulty(t)
		x.send(x.newRun(), signal("x"))
		c := x.consume(streams.LaneInbox)

		x.next(OpDeliver, Duplicate)
		equal(x.fixture, "deliveries", x.pullOne(c).Deliveries, 1)
		equal(x.fixture, "deliveries of the duplicate", x.pullOne(c).Deliveries, 2)
		x.next(OpDeliver, Lost)
		d := x.pullOne(c)
		equal(x.fixture, "deliveries after a lost one", d.Deliveries, 4)

		x.next(OpAck, Lost)
		x.noError("lost ack", d.Ack(x.ctx))
		d = x.pullOne(c)
		equal(x.fixture, "deliveries after a lost ack", d.Deliveries, 5)
		x.next(OpInProgress, Lost)
		x.wantError("lost progress", d.InProgress(x.ctx), streams.ErrUnavailable)
		x.next(OpAckSync, Ambiguous)
		x.wantError("ambiguous ack", d.AckSync(x.ctx), streams.ErrUnavailable)
		x.nothing(c, 2*ackWait)
	})
}

// TestRearmingIsLostWhileItFires is what a server with one replica does; a firing follows.
func TestRearmingIsLostWhileItFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newFaulty(t)
		run := x.newRun()
		x.arm(run, time.Second)
		time.Sleep(time.Second)
		x.next(OpArmWakeUp, InFlight)
		x.arm(run, time.Second)
		_, err := x.Model.ArmedWakeUp(x.ctx, run.Run)
		x.wantError("armed wake-up", err, streams.ErrNotFound)
		waiting, err := x.Model.ReadInbox(x.ctx, run, history.SourceWakeUp, 0)
		x.noError("read inbox", err)
		equal(x.fixture, "firings", len(waiting), 1)
	})
}

func TestHookSeesRunAndCount(t *testing.T) {
	type seen struct {
		op  Op
		run history.Run
		n   int
	}
	var calls []seen
	m := New(Options{Hook: func(op Op, run history.Run, n int) Fault {
		calls = append(calls, seen{op, run, n})
		return Proceed
	}})
	f := newFixture(t, m)
	a, b := f.newRun(), f.newRun()
	f.send(a, signal("1"), signal("2"))
	f.send(b, signal("1"))
	want := []seen{{OpSend, a.Run, 1}, {OpSend, a.Run, 2}, {OpSend, b.Run, 1}}
	equal(f, "number of calls", len(calls), len(want))
	for i := range want {
		equal(f, "call", calls[i], want[i])
	}
}

// TestAdvance moves the time of a model whose clock stands still while a Pull is blocked.
func TestAdvance(t *testing.T) {
	begin := time.Unix(1700000000, 0)
	m := New(Options{Clock: func() time.Time { return begin }})
	f := newFixture(t, m)
	run := f.newRun()
	f.noError("arm", m.ArmWakeUp(f.ctx, run, begin.Add(time.Hour)))
	c := f.consume(streams.LaneInbox)
	pulled := make(chan error)
	go func() {
		ds, err := c.Pull(f.ctx, 1)
		if err == nil && ds[0].Published != begin.Add(time.Hour) {
			err = errors.New("the wake-up has another time: " + ds[0].Published.String())
		}
		pulled <- err
	}()
	m.Advance(time.Hour - time.Second)
	select {
	case err := <-pulled:
		t.Fatalf("pull returned before the wake-up was due: %v", err)
	default:
	}
	m.Advance(time.Second)
	f.noError("pull", <-pulled)

	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := c.Pull(ctx, 1)
	f.wantError("pull before AckWait", err, context.Canceled)
	m.Advance(ackWait)
	equal(f, "deliveries", f.pullOne(c).Deliveries, 2)
	equal(f, "time", m.Now(), begin.Add(time.Hour+ackWait))
}
