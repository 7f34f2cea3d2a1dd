package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

func (f *fixture) task(workflowID string, activity int64) TaskRef {
	return TaskRef{Run: newRun(workflowID).Run, Queue: "orders", Activity: activity}
}

// publishTasks queues n tasks of as many runs and returns how often each was seen: not yet.
func (f *fixture) publishTasks(n int) map[history.Run]int {
	f.Helper()
	seen := make(map[history.Run]int, n)
	for i := range n {
		ref := f.task(fmt.Sprintf("w%d", i), 5)
		stored, err := f.ns.PublishTask(f.ctx, ref, []byte("task"))
		f.ok(err)
		if !stored {
			f.Fatalf("task %d was refused", i)
		}
		seen[ref.Run] = 0
	}
	return seen
}

// consumeAll pulls and acknowledges with several consumers until every run was seen. disturb is called once, when a
// third of them were.
func (f *fixture) consumeAll(consumers []Consumer, seen map[history.Run]int, disturb func()) {
	f.Helper()
	ctx, stop := context.WithCancel(f.ctx)
	defer stop()
	var mu sync.Mutex
	var group sync.WaitGroup
	var once sync.Once
	left := len(seen)
	for _, c := range consumers {
		group.Go(func() {
			for ctx.Err() == nil {
				ds, err := c.Pull(ctx, 7)
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						f.Error(err)
						stop()
					}
					return
				}
				if len(ds) > 7 {
					f.Errorf("%d deliveries, 7 were asked for", len(ds))
				}
				for _, d := range ds {
					mu.Lock()
					if seen[d.Run.Run]++; seen[d.Run.Run] == 1 {
						left--
					}
					third := left < len(seen)*2/3
					done := left == 0
					mu.Unlock()
					if third {
						once.Do(disturb)
					}
					if err := d.Ack(f.ctx); err != nil {
						f.Error(err)
					}
					if done {
						stop()
					}
				}
			}
		})
	}
	group.Wait()
	for run, times := range seen {
		if times == 0 {
			f.Errorf("the task of run %s never came", run)
		}
	}
}

func (f *fixture) deleteConsumers(lane Lane) {
	f.Helper()
	for i := range f.ns.partitions {
		d := f.ns.laneDurable(&f.ns.partitions[i], lane, "orders", "", 0)
		f.ok(f.ns.api(f.ctx, "CONSUMER.DELETE."+d.stream+"."+d.config.Durable, nil, nil))
	}
}

func TestConsumerDeletedUnderLoad(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d partitions", partitions), func(t *testing.T) {
			t.Parallel()
			f := setup(t, partitions)
			seen := f.publishTasks(300)
			consumers := []Consumer{f.consume(LaneTasks, "orders", ConsumeOptions{}), f.consume(LaneTasks, "orders", ConsumeOptions{})}
			f.consumeAll(consumers, seen, func() { f.deleteConsumers(LaneTasks) })
		})
	}
}

// A consumer that waits for messages learns that it was deleted, and delivers what comes after.
func TestIdleConsumerDeleted(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	got := make(chan error, 1)
	go func() {
		_, err := c.Pull(f.ctx, 10)
		got <- err
	}()
	f.awaitPulls(LaneTasks, 1)
	f.deleteConsumers(LaneTasks)
	f.publishTasks(1)
	f.ok(<-got)
}

// awaitPulls waits until the consumers of the lane hold n requests.
func (f *fixture) awaitPulls(lane Lane, n int) {
	f.Helper()
	for waiting := 0; waiting < n; {
		waiting = 0
		for i := range f.ns.partitions {
			d := f.ns.laneDurable(&f.ns.partitions[i], lane, "orders", "", 0)
			var info jetstream.ConsumerInfo
			f.ok(f.ns.api(f.ctx, "CONSUMER.INFO."+d.stream+"."+d.config.Durable, nil, &info))
			waiting += info.NumWaiting
		}
	}
}

func TestConsumerSurvivesServerRestart(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	seen := f.publishTasks(200)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	f.consumeAll([]Consumer{c}, seen, func() { f.server = devtest.Restart(t, f.server) })

	// And when nothing was going on:
	got := make(chan error, 1)
	go func() {
		ds, err := c.Pull(f.ctx, 1)
		if err == nil {
			err = ds[0].AckSync(f.ctx)
		}
		got <- err
	}()
	f.awaitPulls(LaneTasks, 1)
	f.server = devtest.Restart(t, f.server)
	f.publishTasks(1)
	f.ok(<-got)
}

// A caller that wants fewer messages than there are partitions gets what waits in any of them, and no more than it
// asked for.
func TestPullFewFromManyPartitions(t *testing.T) {
	t.Parallel()
	f := setup(t, 5)
	seen := f.publishTasks(60)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	for range len(seen) {
		ds, err := c.Pull(f.ctx, 1)
		f.ok(err)
		if len(ds) != 1 || ds[0].Deliveries != 1 {
			t.Fatalf("%d deliveries, the first for the time %d", len(ds), ds[0].Deliveries)
		}
		outstanding := 0
		for i := range f.ns.partitions {
			d := f.ns.laneDurable(&f.ns.partitions[i], LaneTasks, "orders", "", 0)
			var info jetstream.ConsumerInfo
			f.ok(f.ns.api(f.ctx, "CONSUMER.INFO."+d.stream+"."+d.config.Durable, nil, &info))
			outstanding += info.NumAckPending
		}
		if outstanding != 1 {
			t.Fatalf("%d messages were delivered and not acknowledged, 1 was asked for", outstanding)
		}
		seen[ds[0].Run.Run]++
		f.ok(ds[0].AckSync(f.ctx))
	}
	for run, times := range seen {
		if times != 1 {
			t.Errorf("the task of run %s came %d times", run, times)
		}
	}
}

// All tasks are in one of four partitions: the requests that wait in the others must not keep them from the caller.
func TestPullFromOneBusyPartition(t *testing.T) {
	t.Parallel()
	f := setup(t, 4)
	var busy []TaskRef
	for i := 0; len(busy) < 40; i++ {
		if ref := f.task(fmt.Sprintf("w%d", i), 1); f.ns.Partition(ref.Run.WorkflowID) == 2 {
			busy = append(busy, ref)
		}
	}
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	begin := time.Now()
	for _, ref := range busy {
		_, err := f.ns.PublishTask(f.ctx, ref, nil)
		f.ok(err)
	}
	// Nothing is acknowledged, so the room shrinks to nothing.
	for room := len(busy); room > 0; {
		ds, err := c.Pull(f.ctx, room)
		f.ok(err)
		room -= len(ds)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("%d messages took %s", len(busy), took)
	}
}

func TestCloseHandsBack(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	seen := f.publishTasks(20)
	c, err := f.ns.Consume(f.ctx, LaneTasks, "orders", "", ConsumeOptions{})
	f.ok(err)
	ds, err := c.Pull(f.ctx, 20)
	f.ok(err)
	for _, d := range ds {
		f.ok(d.AckSync(f.ctx))
		seen[d.Run.Run]++
	}
	f.ok(c.Close())
	_, err = c.Pull(f.ctx, 1)
	f.is(err, ErrClosed)
	f.ok(c.Close())

	// AckWait is longer than the test: what was not taken came back at once.
	rest := f.consume(LaneTasks, "orders", ConsumeOptions{})
	for _, d := range f.pull(rest, 20-len(ds)) {
		if seen[d.Run.Run]++; seen[d.Run.Run] != 1 {
			t.Errorf("run %s came %d times", d.Run, seen[d.Run.Run])
		}
		f.ok(d.AckSync(f.ctx))
	}
}

func TestCloseEndsPull(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c, err := f.ns.Consume(f.ctx, LaneInbox, "orders", "", ConsumeOptions{})
	f.ok(err)
	got := make(chan error, 1)
	go func() {
		_, err := c.Pull(f.ctx, 1)
		got <- err
	}()
	f.awaitPulls(LaneInbox, 1)
	f.ok(c.Close())
	f.is(<-got, ErrClosed)
}

// An existing consumer is compared and never updated.
func TestDifferentConsumerIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.consume(LaneTasks, "orders", ConsumeOptions{AckWait: time.Second})
	_, err := f.ns.Consume(f.ctx, LaneTasks, "orders", "", ConsumeOptions{AckWait: 2 * time.Second})
	var different *ConfigurationError
	if !errors.As(err, &different) || len(different.Differences) != 1 {
		t.Fatalf("error is %v", err)
	}
	if want := (Difference{Field: "ack_wait", Ours: "2000000000", Theirs: "1000000000"}); different.Differences[0] != want {
		t.Errorf("difference %+v, want %+v", different.Differences[0], want)
	}
	f.consume(LaneTasks, "orders", ConsumeOptions{AckWait: time.Second})
}

// What nobody can read leaves the lane and is kept as a dead letter.
func TestJunkInInboxBecomesDeadLetter(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w")
	subject := f.ns.at("w").prefix + "inbox.orders.-.w"
	_, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: subject, Header: nats.Header{"X": {"y"}}, Data: []byte("what?")})
	f.ok(err)
	f.ok(f.ns.Send(f.ctx, run, signal("1")))
	c := f.consume(LaneInbox, "orders", ConsumeOptions{})
	d := f.pull(c, 1)[0]
	if d.Run != run || d.Source != history.SourceSignals {
		t.Errorf("delivered %+v", d)
	}
	letters := 0
	for l, err := range f.ns.DeadLetters(f.ctx, 0) {
		f.ok(err)
		letters++
		if l.Subject != subject || string(l.Data) != "what?" || l.Headers["X"][0] != "y" || l.Reason == "" {
			t.Errorf("dead letter %+v", l)
		}
	}
	if letters != 1 {
		t.Errorf("%d dead letters", letters)
	}
}

// The answers to a delivery: handed back with and without delay, prolonged, and removed.
func TestDeliveryAnswers(t *testing.T) {
	t.Parallel()
	const ackWait = 500 * time.Millisecond
	f := setup(t, 1)
	f.publishTasks(1)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{AckWait: ackWait})
	d := f.pull(c, 1)[0]
	f.ok(d.Nak(0))
	d = f.pull(c, 1)[0]
	if d.Deliveries != 2 {
		t.Errorf("delivery %d after a hand-back", d.Deliveries)
	}
	begin := time.Now()
	f.ok(d.Nak(ackWait))
	d = f.pull(c, 1)[0]
	if took := time.Since(begin); took < ackWait || d.Deliveries != 3 {
		t.Errorf("delivery %d after %s, the delay was %s", d.Deliveries, took, ackWait)
	}
	begin = time.Now()
	for time.Since(begin) < 3*ackWait {
		f.ok(d.InProgress(f.ctx))
		f.ok(d.KeepAlive())
		short, cancel := context.WithTimeout(f.ctx, ackWait/4)
		if _, err := c.Pull(short, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a delivery in progress came again after %s: %v", time.Since(begin), err)
		}
		cancel()
	}
	d = f.pull(c, 1)[0] // not prolonged any more
	f.ok(d.AckSync(f.ctx))
	if queued, err := f.ns.TaskQueued(f.ctx, TaskRef{Run: d.Run.Run, Queue: d.Queue, Activity: d.Activity}); err != nil || queued {
		t.Errorf("queued %v after the acknowledgement, %v", queued, err)
	}
}
