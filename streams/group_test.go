package streams

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

// setupGrouped is a namespace whose histories are written in groups.
func setupGrouped(t *testing.T) *fixture {
	f := setupEmpty(t)
	f.ns = f.create("test", CreateOptions{GroupCommit: true})
	return f
}

// attempt is a conditional write and what its caller was told.
type attempt struct {
	ctx      context.Context
	run      history.Address
	commit   string // empty for a start
	expected uint64
	write    func(ctx context.Context, ns *Namespace) (uint64, error)

	seq uint64
	err error
}

func (f *fixture) appending(run history.Address, k, expected uint64) *attempt {
	f.Helper()
	data, info := f.transition(run.Run, k, expected)
	return &attempt{ctx: f.ctx, run: run, commit: info.CommitID, expected: expected,
		write: func(ctx context.Context, ns *Namespace) (uint64, error) {
			return ns.Append(ctx, run.Run, data, info, expected)
		}}
}

func (f *fixture) starting(run history.Address, expected uint64) *attempt {
	f.Helper()
	data, err := history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Now().UTC()})
	f.ok(err)
	return &attempt{ctx: f.ctx, run: run, expected: expected,
		write: func(ctx context.Context, ns *Namespace) (uint64, error) {
			return ns.PublishStart(ctx, run, data, StartInfo{Type: "Order"}, expected)
		}}
}

// firsts are the first records of n runs.
func (f *fixture) firsts(n int) []*attempt {
	var all []*attempt
	for i := range n {
		all = append(all, f.appending(newRun("w"+strconv.Itoa(i)), 1, 0))
	}
	return all
}

// together makes attempts in one batch: they find as many writes on their way as there may be, and wait for them in the
// order given. Before they are let go, meanwhile happens. The function that is returned waits for their outcomes.
func (f *fixture) together(ns *Namespace, meanwhile func(), attempts ...*attempt) (wait func()) {
	f.Helper()
	g := ns.partitions[0].group
	g.mu.Lock()
	g.alone += aloneLimit
	g.mu.Unlock()
	var group sync.WaitGroup
	for i, a := range attempts {
		group.Go(func() { a.seq, a.err = a.write(a.ctx, ns) })
		f.untilWaiting(g, i+1)
	}
	meanwhile()
	for range aloneLimit {
		g.leave()
	}
	return group.Wait
}

func nothing() {}

// untilWaiting waits until n writes wait for a batch.
func (f *fixture) untilWaiting(g *group, n int) {
	f.Helper()
	for {
		g.mu.Lock()
		waiting := len(g.waiting)
		g.mu.Unlock()
		switch {
		case waiting == n:
			return
		case f.ctx.Err() != nil:
			f.Fatalf("%d writes wait for a batch, want %d", waiting, n)
		}
		runtime.Gosched()
	}
}

// verify compares what the callers were told with what is stored.
func (f *fixture) verify(attempts ...*attempt) {
	f.Helper()
	for i, a := range attempts {
		if a.err != nil && !errors.Is(a.err, ErrConflict) {
			f.Errorf("attempt %d: %v", i, a.err)
			continue
		}
		stored, err := f.find(a)
		f.ok(err)
		if stored != a.seq || (stored > 0) != (a.err == nil) {
			f.Errorf("attempt %d: the caller was told %d, %v; it is stored at %d", i, a.seq, a.err, stored)
		}
	}
}

// find is the sequence at which an attempt is stored, or 0.
func (f *fixture) find(a *attempt) (uint64, error) {
	if a.commit == "" {
		s, err := f.ns.FindStart(f.ctx, a.run.Run)
		if errors.Is(err, ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		return s.Seq, nil
	}
	loaded, err := f.ns.Load(f.ctx, a.run.Run, 0)
	if err != nil {
		return 0, err
	}
	for _, r := range loaded.Records {
		if r.CommitID == a.commit {
			return r.Seq, nil
		}
	}
	return 0, nil
}

// inBatches counts the messages of the history that were stored as members of a batch.
func (f *fixture) inBatches() (n int) {
	f.Helper()
	js, err := jetstream.New(f.nc)
	f.ok(err)
	stream, err := js.Stream(f.ctx, f.ns.partitions[0].history)
	f.ok(err)
	info, err := stream.Info(f.ctx)
	f.ok(err)
	for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(f.ctx, seq)
		f.ok(err)
		if m.Header.Get(headerBatchID) != "" {
			n++
		}
	}
	return n
}

func (f *fixture) wantInBatches(want int) {
	f.Helper()
	if got := f.inBatches(); got != want {
		f.Errorf("%d messages were stored in batches, want %d", got, want)
	}
}

func (f *fixture) wantAll(attempts []*attempt) {
	f.Helper()
	for i, a := range attempts {
		if a.err != nil {
			f.Errorf("attempt %d: %v", i, a.err)
		}
	}
	f.verify(attempts...)
}

func TestBatchStoresAll(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	attempts := f.firsts(aloneLimit)
	attempts = append(attempts, f.starting(newRun("s"), 0))
	f.together(f.ns, nothing, attempts...)()
	f.wantAll(attempts)
	f.wantInBatches(len(attempts))

	few := []*attempt{f.starting(newRun("few"), 0), f.appending(newRun("few"), 1, 0)}
	f.ns.partitions[0].group.took = 0 // nothing is gathered
	f.together(f.ns, nothing, few...)()
	f.wantAll(few)
	f.wantInBatches(len(attempts)) // the few travelled by themselves
}

// A conflict refuses the batch, and none but the member that caused it.
func TestConflictInBatch(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	old := newRun("old")
	first := f.append(old.Run, 1, 0)
	f.append(old.Run, 2, first)
	attempts := append(f.firsts(aloneLimit), f.appending(old, 2, first), f.appending(newRun("new"), 1, 77))
	f.together(f.ns, nothing, attempts...)()
	f.verify(attempts...)
	for _, a := range attempts[aloneLimit:] {
		f.is(a.err, ErrConflict)
	}
	f.wantAll(attempts[:aloneLimit])
	f.wantInBatches(0)
}

// The broker would accept both of two starts of one workflow ID in one batch, and refuse a batch with two records of one
// run: such rivals never share one.
func TestRivalsDoNotShareBatch(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	run := newRun("run")
	for name, rivals := range map[string][]*attempt{
		"starts":  {f.starting(newRun("same"), 0), f.starting(newRun("same"), 0)},
		"records": {f.appending(run, 1, 0), f.appending(run, 1, 0)},
	} {
		before := f.inBatches()
		attempts := rivals
		for i := range aloneLimit {
			attempts = append(attempts, f.appending(newRun(name+strconv.Itoa(i)), 1, 0))
		}
		f.together(f.ns, nothing, attempts...)()
		f.verify(attempts...)
		f.wantAll(attempts[:1])
		f.is(attempts[1].err, ErrConflict)
		f.wantAll(attempts[2:])
		f.wantInBatches(before + 1 + aloneLimit)
	}
}

// The answer to a batch is lost: each member finds out by itself that it is stored.
func TestBatchWithLostAnswer(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(f *fixture, a *attempt){
		"nothing else happens":         func(*fixture, *attempt) {},
		"somebody appends to a member": func(f *fixture, a *attempt) { f.append(a.run.Run, 2, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setupGrouped(t)
			attempts := append(f.firsts(aloneLimit), f.starting(newRun("s"), 0))
			err := losingAnswer(f, f.ns.partitions[0].history, func(ns *Namespace) error {
				f.together(ns, nothing, attempts...)()
				return nil
			}, func() { meanwhile(f, attempts[0]) })
			f.ok(err)
			f.wantAll(attempts)
			f.wantInBatches(len(attempts))
		})
	}
}

// A batch whose end never arrives is dropped; its members are written all the same. What remains of it at the broker
// hinders nobody.
func TestInterruptedBatch(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	attempts := f.firsts(aloneLimit)
	p := f.ns.partitions[0]
	for i := range attempts {
		data, info := f.transition(attempts[i].run.Run, 1, 0)
		m := &nats.Msg{Subject: p.record(attempts[i].run.Run), Header: recordHeader(info), Data: data}
		expect(m.Header, "", 0)
		f.ok(f.nc.PublishMsg(inBatch(m, "interrupted", i+1)))
	}
	f.ok(f.nc.Flush())
	f.together(f.ns, nothing, attempts...)()
	f.wantAll(attempts)
	f.server = devtest.Restart(t, f.server)
	f.verify(attempts...)
	f.wantInBatches(len(attempts))
}

// While many write in groups the server is stopped and started. Each outcome is definite, each chain whole.
func TestGroupsThroughRestarts(t *testing.T) {
	t.Parallel()
	const writers, restarts = 3 * aloneLimit, 3
	f := setupGrouped(t)
	ctx, stop := context.WithCancel(f.ctx)
	attempts := make([][]*attempt, writers)
	var group sync.WaitGroup
	for i := range writers {
		run := newRun("w" + strconv.Itoa(i))
		group.Go(func() {
			var last uint64
			for k := uint64(1); ctx.Err() == nil; k++ {
				a := f.appending(run, k, last)
				a.seq, a.err = a.write(f.ctx, f.ns)
				attempts[i] = append(attempts[i], a)
				if last = a.seq; a.err != nil {
					return
				}
			}
		})
	}
	g := f.ns.partitions[0].group
	for range restarts {
		f.untilBatches(g, 5)
		f.server = devtest.Restart(t, f.server)
	}
	f.untilBatches(g, 5)
	stop()
	group.Wait()
	for _, run := range attempts {
		f.wantAll(run)
		loaded, err := f.ns.Load(f.ctx, run[0].run.Run, 0)
		f.ok(err)
		if len(loaded.Records) != len(run) || loaded.Skipped != 0 {
			t.Errorf("run has %d records and %d others, want %d", len(loaded.Records), loaded.Skipped, len(run))
		}
	}
}

// untilBatches waits until n more batches were sent.
func (f *fixture) untilBatches(g *group, n uint64) {
	f.Helper()
	sent := func() uint64 {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.batches
	}
	for target := sent() + n; sent() < target; runtime.Gosched() {
		if f.ctx.Err() != nil {
			f.Fatal("no batches are sent")
		}
	}
}

// A caller that waits no longer harms nobody: not as the leader, not as a member.
func TestBatchWithoutSomeOfItsCallers(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	for _, place := range []int{0, 1} {
		var attempts []*attempt
		for i := range aloneLimit + 1 {
			attempts = append(attempts, f.appending(newRun(fmt.Sprintf("%d-%d", place, i)), 1, 0))
		}
		ctx, cancel := context.WithCancel(f.ctx)
		attempts[place].ctx = ctx
		f.together(f.ns, func() {
			cancel()
			f.untilWaiting(f.ns.partitions[0].group, aloneLimit)
		}, attempts...)()
		f.is(attempts[place].err, ErrUnavailable)
		f.is(attempts[place].err, context.Canceled)
		f.wantAll(append(attempts[:place:place], attempts[place+1:]...))
	}
}

// A leader whose context ends while it leads leaves the others to themselves.
func TestLeaderGivesUp(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	attempts := f.firsts(aloneLimit)
	ctx, cancel := context.WithCancel(f.ctx)
	attempts[0].ctx = ctx
	g := f.ns.partitions[0].group
	// Nothing is gathered until the context of the leader ends.
	g.expected, g.took, g.ended = 2*aloneLimit, time.Hour, time.Now()
	wait := f.together(f.ns, nothing, attempts...)
	cancel()
	wait()
	f.is(attempts[0].err, ErrUnavailable)
	f.wantAll(attempts[1:])
	f.wantInBatches(0)
	more := f.firsts(2 * aloneLimit)[aloneLimit:]
	g.took = 0
	f.together(f.ns, nothing, more...)()
	f.wantAll(more)
	f.wantInBatches(len(more))
}

// Where the stream accepts no batches any more, nothing is lost but speed.
func TestBatchesAreNotAccepted(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	cfg := blueprint{"test", 1, 1, false}.history(0)
	f.ok(f.ns.api(f.ctx, "STREAM.UPDATE."+cfg.Name, cfg, nil))
	attempts := f.firsts(aloneLimit)
	f.together(f.ns, nothing, attempts...)()
	f.wantAll(attempts)
	f.wantInBatches(0)
	if !f.ns.partitions[0].group.off {
		t.Error("batches are tried on")
	}
	again := f.firsts(2 * aloneLimit)[aloneLimit:]
	var group sync.WaitGroup
	for _, a := range again {
		group.Go(func() { a.seq, a.err = a.write(f.ctx, f.ns) })
	}
	group.Wait()
	f.wantAll(again)

	if ns := f.open(f.nc, "test"); ns.partitions[0].group != nil {
		t.Error("a stream that accepts no batches is written to in batches")
	}
}

// What takes more room than a batch has goes with the next.
func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	g := newGroup(broker{})
	add := func(n, size int) {
		for range n {
			subject := "s" + strconv.Itoa(len(g.waiting))
			g.waiting = append(g.waiting, &member{msg: &nats.Msg{Subject: subject, Data: make([]byte, size)}})
		}
	}
	add(batchLimit+1, 1)
	if n := len(g.takeLocked()); n != batchLimit || len(g.waiting) != 1 {
		t.Errorf("a batch of %d messages, %d are left", n, len(g.waiting))
	}
	g.waiting = nil
	add(3, batchBytes/2)
	if n := len(g.takeLocked()); n != 2 || len(g.waiting) != 1 {
		t.Errorf("a batch of %d large messages, %d are left", n, len(g.waiting))
	}
	g.waiting = nil
	add(2, 2*batchBytes)
	if n := len(g.takeLocked()); n != 1 || len(g.waiting) != 1 {
		t.Errorf("a batch of %d huge messages, %d are left", n, len(g.waiting))
	}
}

func TestWaitingForMorePays(t *testing.T) {
	t.Parallel()
	const took = 8 * time.Millisecond // a step is 1 ms
	for _, c := range []struct {
		waiting, came int
		idle          time.Duration
		want          bool
	}{
		{1, 1, 0, true},
		{32, 0, time.Millisecond, false},
		{32, 3, time.Millisecond, false},
		{32, 4, time.Millisecond, true},
		{64, 4, time.Millisecond, false},
	} {
		if got := waitingPays(c.waiting, c.came, c.idle, took); got != c.want {
			t.Errorf("%d wait, %d came, idle for %v: %v", c.waiting, c.came, c.idle, got)
		}
	}
}

func TestBatchAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data       string
		first      uint64
		unanswered bool
	}{
		{`{"stream":"S","seq":30,"batch":"b","count":20}`, 11, false},
		{`{"stream":"S","seq":30}`, 0, true}, // from a broker that knows no batches
		{`{"stream":"S","seq":30,"batch":"c","count":20}`, 0, true},
		{`{"stream":"S","seq":30,"batch":"b","count":19}`, 0, true},
		{`{"stream":"S","seq":3,"batch":"b","count":20}`, 0, true},
		{`{"error":{"code":400,"err_code":10176,"description":"incomplete"},"stream":"S","seq":0}`, 0, false},
		{`nonsense`, 0, false},
	} {
		first, err := readBatchAck([]byte(c.data), "b", 20)
		if first != c.first || isUnanswered(err) != c.unanswered || (err == nil) != (c.first > 0) {
			t.Errorf("%s: %d, %v", c.data, first, err)
		}
	}
}

// Members of a batch are sent live before they are flushed to disk: a follower reads them.
func TestFollowerReadsMembersOfBatch(t *testing.T) {
	t.Parallel()
	f := setupGrouped(t)
	attempts := f.firsts(aloneLimit)
	fl := f.follow(attempts[0].run.Run, 0)
	f.together(f.ns, nothing, attempts...)()
	f.wantNext(fl, 1, 1)
	second := f.appending(attempts[0].run, 2, attempts[0].seq)
	f.ok(func() error { second.seq, second.err = second.write(f.ctx, f.ns); return second.err }())
	f.wantNext(fl, 2, 2)

	member, alone := fl.(*follower), &nats.Msg{Header: nats.Header{}}
	data, info := f.transition(attempts[0].run.Run, 3, second.seq)
	alone.Header, alone.Data = recordHeader(info), data
	alone.Header.Set(headerSequence, "99")
	alone.Header.Set(headerTimestamp, time.Now().Format(time.RFC3339Nano))
	member.receive(inBatch(alone, "b", 1))
	if len(member.ready) != 0 || !member.stale {
		t.Error("a member of a batch was believed as it was sent")
	}
	member.stale = false
	member.receive(alone)
	if len(member.ready) != 1 {
		t.Error("a message that is like it but for the batch was not believed")
	}
}

// Replicas group by themselves.
func TestReplicasAreNotGrouped(t *testing.T) {
	t.Parallel()
	for replicas, want := range map[int]bool{1: true, 3: false} {
		if got := groups(blueprint{"test", 1, replicas, true}.history(0)); got != want {
			t.Errorf("%d replicas: %v", replicas, got)
		}
		if groups(blueprint{"test", 1, replicas, false}.history(0)) {
			t.Errorf("%d replicas are grouped unasked", replicas)
		}
	}
}
