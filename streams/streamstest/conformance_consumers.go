package streamstest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func consumerChecks() []check {
	return []check{
		{"consumer/delivers and removes", consumerDelivers},
		{"consumer/redelivers", consumerRedelivers},
		{"consumer/hands back", consumerNak},
		{"consumer/hands back with delay", consumerNakDelay},
		{"consumer/kept alive", consumerKeptAlive},
		{"consumer/answers of an older delivery", consumerZombie},
		{"consumer/shared", consumerShared},
		{"consumer/one busy partition", consumerBusyPartition},
		{"consumer/queues and builds apart", consumerFilters},
		{"consumer/lanes of a task queue", consumerLanes},
		{"consumer/shares of buckets", consumerShares},
		{"consumer/blocks and ends", consumerBlocks},
		{"consumer/closed with messages behind it", consumerClosed},
		{"consumer/deleted", consumerDeleted},
		{"consumer/arguments", consumerArguments},
	}
}

func consumerDelivers(f *fixture) {
	run := f.newRun()
	f.send(run, signal("one"), result(7, 2))
	c := f.consume(streams.LaneInbox)
	ds := f.pull(c, 2)
	for i, want := range []struct {
		source   history.Source
		identity string
	}{{"s", "s:one"}, {"a7", "a7:2"}} {
		d := ds[i]
		equal(f, "lane", d.Lane, streams.LaneInbox)
		equal(f, "run", d.Run, run)
		equal(f, "source", d.Source, want.source)
		equal(f, "message", decodeMessage(f, d.Data).Identity(), want.identity)
		equal(f, "deliveries", d.Deliveries, 1)
		equal(f, "partition", d.Partition, f.Partition(run.WorkflowID))
		if age := time.Since(d.Published); age < -time.Minute || age > time.Minute {
			f.Errorf("published %v ago", age)
		}
	}
	waiting, err := f.ReadInbox(f.ctx, run, "", 0)
	f.noError("read inbox", err)
	equal(f, "sequence", ds[0].Seq, waiting[0].Seq)

	f.noError("ack", ds[0].Ack(f.ctx))
	f.noError("confirmed ack", ds[1].AckSync(f.ctx))
	wantLeft(f, run, "")
	f.nothing(c, ackWait+silence)
}

func consumerRedelivers(f *fixture) {
	f.send(f.newRun(), signal("x"))
	c := f.consume(streams.LaneInbox)
	before := time.Now()
	for n := range 3 {
		d := f.pullOne(c)
		equal(f, "deliveries", d.Deliveries, n+1)
	}
	if took := time.Since(before); took < 2*ackWait-silence {
		f.Fatalf("two redeliveries took %v, want at least twice %v", took, ackWait)
	}
}

func consumerNak(f *fixture) {
	f.send(f.newRun(), signal("x"))
	c := f.consume(streams.LaneInbox)
	begin := time.Now()
	for n := range 4 {
		d := f.pullOne(c)
		equal(f, "deliveries", d.Deliveries, n+1)
		f.noError("nak", d.Nak(0))
	}
	if took := time.Since(begin); took >= ackWait {
		f.Errorf("three redeliveries after a negative acknowledgement took %v, want less than %v", took, ackWait)
	}
}

func consumerNakDelay(f *fixture) {
	run := f.newRun()
	f.send(run, signal("x"), signal("y"))
	c := f.consume(streams.LaneInbox)
	ds := f.pull(c, 2)
	const delay = ackWait + time.Second // longer than AckWait, which it replaces
	f.noError("nak", ds[0].Nak(delay))
	handed := time.Now()
	f.noError("ack", ds[1].AckSync(f.ctx))
	wantLeft(f, run, "", "s:x")
	d := f.pullOne(c)
	if took := time.Since(handed); took < delay-silence {
		f.Fatalf("redelivered after %v, want at least %v", took, delay)
	}
	equal(f, "message", decodeMessage(f, d.Data).ID, "x")
	equal(f, "deliveries", d.Deliveries, 2)
}

func consumerKeptAlive(f *fixture) {
	run := f.newRun()
	f.send(run, signal("x"))
	c := f.consume(streams.LaneInbox)
	d := f.pullOne(c)
	for range 2 {
		f.nothing(c, ackWait/2)
		f.noError("in progress", d.InProgress(f.ctx))
		f.nothing(c, ackWait/2)
		f.noError("keep alive", d.KeepAlive())
	}
	f.noError("ack", d.AckSync(f.ctx))
	f.noError("in progress after the ack", d.InProgress(f.ctx))
	wantLeft(f, run, "")
}

// consumerZombie: the broker does not ask which delivery an answer is for. Package worker fences itself because of it.
func consumerZombie(f *fixture) {
	run := f.newRun()
	f.send(run, signal("x"))
	c := f.consume(streams.LaneInbox)
	first, second := f.pullOne(c), f.pullOne(c)
	equal(f, "deliveries", second.Deliveries, 2)
	f.noError("nak of the first delivery", first.Nak(0))
	third := f.pullOne(c)
	equal(f, "deliveries after the nak of the first", third.Deliveries, 3)
	f.noError("ack of the first delivery", first.AckSync(f.ctx))
	wantLeft(f, run, "")
	f.noError("nak after the ack", third.Nak(0))
	f.nothing(c, ackWait+silence)
}

func consumerShared(f *fixture) {
	const n = 40
	run := f.newRun()
	a, b := f.consume(streams.LaneInbox), f.consume(streams.LaneInbox)
	for i := range n {
		f.send(run, result(int64(i+1), 1))
	}
	ctx, stop := context.WithTimeout(f.ctx, patience)
	defer stop()
	var mu sync.Mutex
	seen := make(map[uint64]int)
	race(2, func(i int) {
		c := []streams.Consumer{a, b}[i]
		for ctx.Err() == nil {
			ds, err := c.Pull(ctx, 3)
			if err != nil && ctx.Err() == nil {
				f.Errorf("pull: %v", err)
				stop()
			}
			for _, d := range ds {
				if err := d.AckSync(f.ctx); err != nil {
					f.Errorf("ack: %v", err)
				}
				mu.Lock()
				if seen[d.Seq] += d.Deliveries; len(seen) == n {
					stop()
				}
				mu.Unlock()
			}
		}
	})
	equal(f, "messages", len(seen), n)
	for seq, deliveries := range seen {
		if deliveries != 1 {
			f.Errorf("message %d was delivered %d times, want once", seq, deliveries)
		}
	}
}

// consumerBusyPartition: a partition that has messages is not kept waiting by those that have none.
func consumerBusyPartition(f *fixture) {
	c := f.consume(streams.LaneInbox)
	for _, n := range []int{7, 1, 2, 16, 3} {
		run := f.newRun()
		for i := range n {
			f.send(run, result(int64(i+1), 1))
		}
		begin := time.Now()
		for _, d := range f.pull(c, n) {
			f.noError("ack", d.Ack(f.ctx))
		}
		if took := time.Since(begin); took >= ackWait {
			f.Errorf("%d messages of one run came after %v, want less than %v", n, took, ackWait)
		}
	}
}

func consumerFilters(f *fixture) {
	plain, pinned, elsewhere := f.newRun(), f.newRun(), f.newRun()
	pinned.Build = "v 2.0"
	elsewhere.Queue += ".other"
	f.send(pinned, signal("pinned"))
	f.send(elsewhere, signal("elsewhere"))
	f.send(plain, signal("plain"))
	_, err := f.PublishTask(f.ctx, streams.TaskRef{Run: plain.Run, Queue: f.queue, Activity: 5}, []byte("task"))
	f.noError("publish task", err)
	f.start(plain, 0)

	c := f.consume(streams.LaneInbox)
	d := f.pullOne(c)
	equal(f, "run", d.Run, plain)
	f.noError("ack", d.AckSync(f.ctx))
	f.nothing(c, silence)

	c, err = f.Consume(f.ctx, streams.LaneInbox, f.queue, "v 2.0", streams.ConsumeOptions{AckWait: ackWait})
	f.noError("consume a build", err)
	equal(f, "run of the build", f.pullOne(c).Run, pinned)
	f.nothing(c, silence)
	f.noError("close", c.Close())
}

func consumerLanes(f *fixture) {
	lanes := []streams.TaskLane{{}, {Class: 5}, {Build: "v 2.0"}, {Class: 1}, {Build: "v 2.0", Class: 1}, {Build: "1"}}
	run := f.newRun().Run
	for i, lane := range lanes {
		ref := streams.TaskRef{Run: run, Queue: f.queue, Activity: int64(i + 1), TaskLane: lane}
		stored, err := f.PublishTask(f.ctx, ref, []byte("task"))
		f.noError("publish task", err)
		equal(f, "stored", stored, true)
	}
	c := f.consume(streams.LaneTasks)
	d := f.pullOne(c)
	equal(f, "activity of the plain lane", d.Activity, int64(1))
	f.noError("ack", d.AckSync(f.ctx))
	f.nothing(c, silence)
	f.noError("close", c.Close())

	c, err := f.Consume(f.ctx, streams.LaneTasks, f.queue, "", streams.ConsumeOptions{AckWait: ackWait, Lanes: lanes[:5]})
	f.noError("consume lanes", err)
	for _, want := range [][]int64{{4, 5}, {4, 5}, {3}, {2}} {
		d := f.pullOne(c)
		if !slices.Contains(want, d.Activity) || d.TaskLane() != lanes[d.Activity-1] {
			f.Errorf("task %d of lane %v is delivered, want one of %v", d.Activity, d.TaskLane(), want)
		}
		f.noError("ack", d.AckSync(f.ctx))
	}
	f.nothing(c, silence)
	f.noError("close", c.Close())

	last := streams.TaskRef{Run: run, Queue: f.queue, Activity: 6, TaskLane: lanes[5]}
	f.noError("withdraw", f.WithdrawTask(f.ctx, streams.TaskRef{Run: run, Queue: f.queue, Activity: 6}))
	queued, err := f.TaskQueued(f.ctx, last)
	f.noError("look for task", err)
	equal(f, "task of a lane that was not consumed is queued", queued, true)
	_, err = f.Consume(f.ctx, streams.LaneTasks, f.queue, "", streams.ConsumeOptions{Lanes: []streams.TaskLane{{Class: 6}}})
	f.wantError("consume priority 6", err, streams.ErrInvalid)
}

// consumerShares: buckets of one priority get shares by the weights of their tasks, whatever waits in them, and a priority that
// comes later gets nothing until they are empty.
func consumerShares(f *fixture) {
	lanes := []streams.TaskLane{{}, {Bucket: 3}, {Class: 5, Bucket: 3}, {Bucket: 31}, {Build: "v 2.0", Bucket: 7}}
	weights := []float64{0, 3, 1000, 0, 0.5}
	sent := []int{5, 60, 2, 60, 5}
	run := f.newRun().Run
	for i, n := range sent {
		for k := range n {
			ref := streams.TaskRef{Run: run, Queue: f.queue, Activity: int64(1000*i + k + 1), TaskLane: lanes[i], Weight: weights[i]}
			f.publish(ref, true)
		}
	}
	plain := f.consume(streams.LaneTasks)
	c, err := f.Consume(f.ctx, streams.LaneTasks, f.queue, "", streams.ConsumeOptions{AckWait: ackWait, Lanes: lanes})
	f.noError("consume lanes", err)
	got := make([]int, len(lanes))
	pull := func(n int) {
		f.Helper()
		for range n {
			d := f.pullOne(c)
			i := int(d.Activity / 1000)
			if d.TaskLane() != lanes[i] {
				f.Errorf("task %d is delivered as one of lane %+v, want %+v", d.Activity, d.TaskLane(), lanes[i])
			}
			got[i]++
			f.noError("ack", d.AckSync(f.ctx))
		}
	}
	within := func(lane, least, most int) {
		f.Helper()
		if got[lane] < least || got[lane] > most {
			f.Errorf("%d of %v were delivered from lane %d, want %d to %d", got[lane], got, lane, least, most)
		}
	}
	// 4 : 12 : 0 : 4 : 2, but for lanes that a busy broker was slow to answer for once. By age they would be 5 : 17 : 0 : 0 : 0.
	pull(22)
	within(0, 2, 7)
	within(1, 8, 15)
	within(2, 0, 0)
	within(3, 2, 7)
	within(4, 1, 4)
	pull(108)
	within(2, 0, 0)
	pull(2)
	for i := range lanes {
		within(i, sent[i], sent[i])
	}
	f.nothing(c, silence)
	f.noError("close", c.Close())
	f.nothing(plain, silence)
	f.noError("close", plain.Close())
	_, err = f.Consume(f.ctx, streams.LaneTasks, f.queue, "", streams.ConsumeOptions{Lanes: []streams.TaskLane{{Bucket: 32}}})
	f.wantError("consume bucket 32", err, streams.ErrInvalid)
}

func consumerBlocks(f *fixture) {
	c := f.consume(streams.LaneInbox)
	pulled := make(chan *streams.Delivery, 1)
	go func() {
		defer close(pulled)
		if ds, err := c.Pull(f.ctx, 5); err != nil {
			f.Errorf("pull: %v", err)
		} else {
			pulled <- ds[0]
		}
	}()
	f.send(f.newRun(), signal("x"))
	if d := <-pulled; d != nil {
		f.noError("ack", d.AckSync(f.ctx))
	}

	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := c.Pull(ctx, 1)
	f.wantError("pull with an ended context", err, context.Canceled)

	ended := make(chan error, 1)
	go func() {
		_, err := c.Pull(f.ctx, 1)
		ended <- err
	}()
	f.noError("close", c.Close())
	f.wantError("pull of a closed consumer", <-ended, streams.ErrClosed)
	_, err = c.Pull(f.ctx, 1)
	f.wantError("pull after close", err, streams.ErrClosed)
	f.noError("close again", c.Close())
}

// consumerClosed: what a closed consumer did not return is somebody else's at once, and at its first delivery.
func consumerClosed(f *fixture) {
	run := f.newRun()
	f.send(run, signal("1"), signal("2"), signal("3"))
	first := f.consume(streams.LaneInbox)
	f.pullOne(first)
	begin := time.Now()
	f.noError("close", first.Close())
	second := f.consume(streams.LaneInbox)
	f.pull(second, 2)
	if took := time.Since(begin); took >= ackWait {
		f.Errorf("what the closed consumer did not return came after %v, want less than %v", took, ackWait)
	}
	equal(f, "deliveries of what it did return", f.pullOne(second).Deliveries, 2)
}

func consumerDeleted(f *fixture) {
	f.send(f.newRun(), signal("x"))
	c := f.consume(streams.LaneInbox)
	f.pullOne(c)
	begin := time.Now()
	f.noError("delete consumers", f.DeleteConsumers(f.queue))
	equal(f, "deliveries", f.pullOne(c).Deliveries, 1)
	if took := time.Since(begin); took > lagAllowed {
		f.Errorf("the deleted consumer delivered again after %v, want at most %v", took, lagAllowed)
	}
}

func consumerArguments(f *fixture) {
	_, err := f.Consume(f.ctx, streams.LaneInbox, "", "", streams.ConsumeOptions{})
	f.wantError("consume of no queue", err, streams.ErrInvalid)
	_, err = f.Consume(f.ctx, streams.Lane(0), f.queue, "", streams.ConsumeOptions{})
	f.wantError("consume of no lane", err, streams.ErrInvalid)
	_, err = f.Consume(f.ctx, streams.LaneTasks, f.queue, "v2", streams.ConsumeOptions{})
	f.wantError("consume tasks of a build", err, streams.ErrInvalid)
	_, err = f.consume(streams.LaneInbox).Pull(f.ctx, 0)
	f.wantError("pull of nothing", err, streams.ErrInvalid)
}
