package streams

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// TestRestoreCreatesWhatHistoriesCanRefill with the configuration that it had, and nothing else.
func TestRestoreCreatesWhatHistoriesCanRefill(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	if names, err := f.ns.Restore(f.ctx); err != nil || len(names) > 0 {
		t.Fatalf("restored %v, %v where nothing is missing", names, err)
	}
	gone := []string{"MILLRACE_test_0_TASKS", "MILLRACE_test_1_INBOX", "KV_MILLRACE_test_1_HEARTBEATS", "MILLRACE_test_INTAKE",
		"MILLRACE_test_DEADLETTER"}
	for _, name := range gone {
		f.ok(f.ns.api(f.ctx, "STREAM.DELETE."+name, nil, nil))
	}
	names, err := f.ns.Restore(f.ctx)
	f.ok(err)
	slices.Sort(names)
	slices.Sort(gone)
	if !slices.Equal(names, gone) {
		t.Errorf("restored %v, want %v", names, gone)
	}
	f.open(f.nc, "test") // which compares everything
	for _, name := range []string{"MILLRACE_test_1_HISTORY", "MILLRACE_test_0_TASKS"} {
		f.ok(f.ns.api(f.ctx, "STREAM.DELETE."+name, nil, nil))
	}
	names, err = f.ns.Restore(f.ctx)
	if !errors.Is(err, ErrConfiguration) || !strings.Contains(err.Error(), "MILLRACE_test_1_HISTORY") {
		t.Errorf("a history that is gone: %v", err)
	}
	if !slices.Equal(names, []string{"MILLRACE_test_0_TASKS"}) {
		t.Errorf("restored %v", names)
	}
	if _, err := f.ns.streamInfo(f.ctx, "MILLRACE_test_1_HISTORY"); err == nil {
		t.Error("a history was created again")
	}
}

// TestConsumersAreRevived on three servers: each measure leaves a consumer that delivers.
func TestConsumersAreRevived(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	t.Parallel()
	servers := devtest.Cluster(t, 3)
	f := &fixture{TB: t, ctx: testContext(t), server: servers[0], nc: devtest.Conn(t, servers...)}
	f.ns = f.create("test", CreateOptions{Replicas: 3})
	c, err := f.ns.Consume(f.ctx, LaneStarts, "orders", "", ConsumeOptions{AckWait: 30 * time.Second})
	f.ok(err)
	t.Cleanup(func() { _ = c.Close() })
	find := func() ConsumerState {
		t.Helper()
		all, err := f.ns.Consumers(f.ctx)
		f.ok(err)
		for _, s := range all {
			if s.Name == "starts+orders" {
				return s
			}
		}
		t.Fatalf("no consumer of starts among %+v", all)
		return ConsumerState{}
	}
	state := find()
	if !state.Replicated || state.Paused || state.Delivered != 0 {
		t.Errorf("state is %+v, want that of a replicated consumer", state)
	}
	deliver := func(id string) {
		t.Helper()
		_, err := f.start(newRun(id), 0)
		f.ok(err)
		for {
			ds, err := c.Pull(f.ctx, 1)
			f.ok(err)
			f.ok(ds[0].AckSync(f.ctx))
			if ds[0].Run.WorkflowID == id {
				return
			}
		}
	}
	deliver("a")
	f.ok(f.ns.StepDown(f.ctx, state))
	deliver("b")
	f.ok(f.ns.Reset(f.ctx, state))
	deliver("c")
	if find().Delivered == 0 {
		t.Error("deliveries are not counted")
	}
	f.ok(f.ns.Recreate(f.ctx, state))
	f.ok(f.ns.Recreate(f.ctx, state)) // or somebody has been faster
	deliver("d")
}
