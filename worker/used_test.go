package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// The lane of a bucket is opened when there is a task in it, kept while one is stored, closed when it was idle, and opened
// again.
func TestLaneOfBucketIsOpenWhileItIsUsed(t *testing.T) {
	t.Parallel()
	nc := devtest.Conn(t, devtest.Server(t))
	plan, err := streams.PlanNamespace(t.Context(), nc, "default", streams.CreateOptions{})
	if err == nil {
		err = plan.Apply(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	ns, err := streams.Open(t.Context(), nc, "default")
	if err != nil {
		t.Fatal(err)
	}
	lane := streams.TaskLane{Bucket: 7}
	plain := []streams.TaskLane{{}}
	u := newUsedLanes(ns, "q", "")
	u.idle, u.every = time.Millisecond, 20*time.Millisecond
	changed := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		u.watch(t.Context(), func() { changed <- struct{}{} }, func(err error) { t.Error(err) })
	}()
	t.Cleanup(func() { <-done }) // the context ends before
	expect := func(open bool) {
		t.Helper()
		<-changed
		if got := slices.Contains(u.lanes(plain), lane); got != open {
			t.Fatalf("lane is open: %v, want %v", got, open)
		}
	}
	for range 2 {
		ref := streams.TaskRef{Run: history.Run{WorkflowID: "w", RunID: "r"}, Queue: "q", Activity: 1, TaskLane: lane}
		if _, err := ns.PublishTask(t.Context(), ref, []byte("task")); err != nil {
			t.Fatal(err)
		}
		expect(true)
		c, err := ns.Consume(t.Context(), streams.LaneTasks, "q", "", streams.ConsumeOptions{Lanes: []streams.TaskLane{lane}})
		if err != nil {
			t.Fatal(err)
		}
		ds, err := c.Pull(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
			t.Fatal("a lane was closed one of whose tasks runs")
		case <-time.After(10 * u.every):
		}
		if err := ds[0].AckSync(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(false)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
