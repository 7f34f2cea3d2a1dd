package streams

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

// wantNext demands records first to last from a follower, in order.
func (f *fixture) wantNext(fl Follower, first, last uint64) {
	f.Helper()
	for k := first; k <= last; k++ {
		r, err := fl.Next(f.ctx)
		f.ok(err)
		if r.Number != k || r.Seq == 0 || r.Time.IsZero() {
			f.Fatalf("record %d at %d of %s, want %d", r.Number, r.Seq, r.Time, k)
		}
		if _, err := r.Transition(); err != nil {
			f.Errorf("record %d: %v", k, err)
		}
	}
}

func (f *fixture) follow(run history.Run, after uint64) Follower {
	f.Helper()
	fl, err := f.ns.Follow(f.ctx, run, after)
	f.ok(err)
	f.Cleanup(func() { f.ok(fl.Close()) })
	return fl
}

// A follower sees each record once, whether it was there, came by the live subject, came while it was not looking, or
// came while the connection was down; junk on either subject does not disturb it.
func TestFollow(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("a.b").Run
	last := f.appendAll(run, 3)
	fl := f.follow(run, 1)
	f.wantNext(fl, 2, 3)
	last = f.append(run, 4, last)
	f.wantNext(fl, 4, 4)

	f.ok(f.nc.Publish(liveSubject("test", run), []byte("noise")))
	_ = f.junk(run)
	last = f.append(run, 5, last+1)
	f.wantNext(fl, 5, 5)

	for k := uint64(6); k <= 6+2*followBuffer; k++ { // more than the buffer holds
		last = f.append(run, k, last)
	}
	f.wantNext(fl, 6, 6+2*followBuffer)
	next := uint64(7 + 2*followBuffer)

	f.server = devtest.Restart(t, f.server)
	f.append(run, next, last)
	f.wantNext(fl, next, next)

	short, cancel := context.WithTimeout(f.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := fl.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("next of nothing: %v", err)
	}
	f.ok(fl.Close())
	_, err := fl.Next(f.ctx)
	f.is(err, ErrClosed)
}

// A live message that was forged by somebody with publish rights is not taken for a record.
func TestForgedLiveMessage(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	fl := f.follow(run, 0)
	f.append(run, 1, 0)
	f.wantNext(fl, 1, 1)
	data, info := f.transition(run, 2, 1)
	f.ok(f.nc.PublishMsg(&nats.Msg{Subject: liveSubject("test", run), Header: recordHeader(info), Data: data}))
	genuine, info := f.transition(run, 2, 1)
	f.ok(f.nc.Flush())
	_, err := f.ns.Append(f.ctx, run, genuine, info, 1)
	f.ok(err)
	r, err := fl.Next(f.ctx)
	f.ok(err)
	if r.CommitID != info.CommitID {
		t.Error("the forged record was delivered")
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	_, err := f.ns.Query(f.ctx, "orders", "", []byte("q"))
	f.is(err, ErrUnavailable)

	entered, release := make(chan struct{}), make(chan struct{})
	stop, err := f.ns.ServeQueries("orders", "", func(ctx context.Context, data []byte) []byte {
		if string(data) == "slow" {
			close(entered)
			<-release
			if ctx.Err() == nil {
				t.Error("stop did not cancel the context")
			}
		}
		return append([]byte("answer to "), data...)
	})
	f.ok(err)
	answer, err := f.ns.Query(f.ctx, "orders", "", []byte("q"))
	f.ok(err)
	if string(answer) != "answer to q" {
		t.Errorf("answer %q", answer)
	}
	_, err = f.ns.Query(f.ctx, "orders", "v2", []byte("q"))
	f.is(err, ErrUnavailable)

	var group sync.WaitGroup
	group.Go(func() {
		if _, err := f.ns.Query(f.ctx, "orders", "", []byte("slow")); err != nil {
			t.Error(err)
		}
	})
	<-entered
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case <-stopped:
		t.Error("stop did not wait for a running handler")
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	<-stopped
	stop()
	group.Wait()
	_, err = f.ns.Query(f.ctx, "orders", "", []byte("q"))
	f.is(err, ErrUnavailable)
}

func TestIntake(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c, err := f.ns.Intake(f.ctx)
	f.ok(err)
	defer func() { f.ok(c.Close()) }()
	for _, subject := range []string{"start.Train.day-1", "start.Train", "signal.go.a=2Eb", "start.odd=zz.x.y"} {
		f.ok(f.nc.PublishMsg(&nats.Msg{Subject: "millrace.test.intake." + subject, Header: nats.Header{"X": {"y"}}, Data: []byte("{}")}))
	}
	var got []*IntakeMessage
	for len(got) < 4 {
		ms, err := c.Pull(f.ctx, 4)
		f.ok(err)
		got = append(got, ms...)
	}
	keys := map[string]bool{}
	for i, want := range [][3]string{{"start", "Train", "day-1"}, {"start", "Train", ""}, {"signal", "go", "a.b"}, {"start", "odd=zz", "x.y"}} {
		m := got[i]
		if m.Verb != want[0] || m.Name != want[1] || m.ID != want[2] || string(m.Data) != "{}" || m.Headers["X"][0] != "y" {
			t.Errorf("message %d: %+v", i, m)
		}
		keys[m.Key] = true
	}
	if len(keys) != 4 {
		t.Errorf("keys %v", keys)
	}
	f.ok(got[0].Nak(0))
	again, err := c.Pull(f.ctx, 1)
	f.ok(err)
	if again[0].Key != got[0].Key || again[0].Deliveries != 2 {
		t.Errorf("delivered again with key %s, %d deliveries, before: %s", again[0].Key, again[0].Deliveries, got[0].Key)
	}

	stop, err := f.ns.ServeIntake(func(_ context.Context, m *IntakeMessage) []byte { return []byte(m.Verb + " " + m.Name + " " + m.ID) })
	f.ok(err)
	defer stop()
	answer, err := f.nc.RequestWithContext(f.ctx, "millrace.test.request.start.Train.day-2", nil)
	f.ok(err)
	if string(answer.Data) != "start Train day-2" {
		t.Errorf("answer %q", answer.Data)
	}
}

func TestDeadLettersNewestFirst(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for _, id := range []string{"a", "b", "a", "c"} {
		f.ok(f.ns.PutDeadLetter(f.ctx, DeadLetter{ID: id, Reason: "no\nreason ", Subject: "x", Run: history.Run{WorkflowID: "w é"},
			Headers: map[string][]string{"Nats-Rollup": {"all"}, "A": {"1", " 2"}}, Data: []byte(id)}))
	}
	f.ok(f.ns.PutDeadLetter(f.ctx, DeadLetter{ID: "large", Data: make([]byte, 2<<20)}))
	var ids string
	for d, err := range f.ns.DeadLetters(f.ctx, 0) {
		f.ok(err)
		if d.ID == "large" {
			if !d.Truncated || len(d.Data) != f.ns.Limits().MaxRecord {
				t.Errorf("the large letter has %d bytes, truncated %v", len(d.Data), d.Truncated)
			}
			continue
		}
		ids += d.ID
		if d.Reason != "no\nreason " || d.Run.WorkflowID != "w é" || d.Headers["A"][1] != " 2" || d.Headers["Nats-Rollup"][0] != "all" || d.Truncated {
			t.Errorf("letter %+v", d)
		}
	}
	if ids != "cba" {
		t.Errorf("letters %q, want %q", ids, "cba")
	}
	for range f.ns.DeadLetters(f.ctx, 1) {
		ids += "."
	}
	if ids != "cba." {
		t.Errorf("a limit of 1: %q", ids)
	}
}

// Starts of all partitions come newest first, over several windows, and reading stops when the caller does.
func TestListStarts(t *testing.T) {
	t.Parallel()
	f := setup(t, 3)
	const runs = 40
	for i := range runs {
		run := newRun(string(rune('a' + i)))
		if i%2 == 1 {
			run.Queue = "odd"
		}
		_, err := f.start(run, 0)
		f.ok(err)
		f.append(run.Run, 1, 0)
	}
	count := 0
	newer := time.Now().Add(time.Hour)
	for s, err := range f.ns.ListStarts(f.ctx, StartFilter{}) {
		f.ok(err)
		if s.Time.After(newer) {
			t.Errorf("start of %s at %s comes after one at %s", s.Run, s.Time, newer)
		}
		newer = s.Time
		count++
	}
	if count != runs {
		t.Errorf("%d starts, want %d", count, runs)
	}
	odd := 0
	for s, err := range f.ns.ListStarts(f.ctx, StartFilter{Queue: "odd"}) {
		f.ok(err)
		if s.Run.Queue != "odd" {
			t.Errorf("start of queue %s", s.Run.Queue)
		}
		if odd++; odd == 5 {
			break
		}
	}
	p := &f.ns.partitions[0]
	var whole, windows []*StoredStart
	newest, err := f.ns.last(f.ctx, p.history, p.allStarts())
	f.ok(err)
	whole, err = f.ns.startsBetween(f.ctx, p, p.allStarts(), 1, newest.seq+1)
	f.ok(err)
	for begin := uint64(1); begin <= newest.seq; begin += 3 {
		part, err := f.ns.startsBetween(f.ctx, p, p.allStarts(), begin, begin+3)
		f.ok(err)
		windows = append(windows, part...)
	}
	if len(whole) != len(windows) || len(whole) == 0 {
		t.Errorf("%d starts at once, %d in windows", len(whole), len(windows))
	}
}
