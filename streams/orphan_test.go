package streams

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

// messagesDir is where the server keeps the messages of a stream, apart from its consumers' state.
func (f *fixture) messagesDir(stream string) string {
	f.Helper()
	var found string
	f.ok(filepath.WalkDir(f.server.StoreDir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "msgs" && filepath.Base(filepath.Dir(path)) == stream {
			found = path
		}
		return err
	}))
	if found == "" {
		f.Fatalf("no messages of stream %s in %s", stream, f.server.StoreDir())
	}
	return found
}

// killBetween leaves the state that a server leaves which is killed after it wrote down what do acknowledged, and
// before it wrote down that the stream's messages are removed.
func (f *fixture) killBetween(stream string, do func()) {
	f.Helper()
	dir := f.messagesDir(stream)
	f.server.Shutdown()
	before := f.TempDir()
	f.ok(os.CopyFS(before, os.DirFS(dir)))
	f.server = devtest.Restart(f, f.server)
	do()
	f.server.Shutdown()
	f.ok(os.RemoveAll(dir))
	f.ok(os.CopyFS(dir, os.DirFS(before)))
	f.server = devtest.Restart(f, f.server)
}

func TestAMessageWhoseRemovalWasLostIsDeliveredAgain(t *testing.T) {
	f := setup(t, 1)
	run := newRun("w")
	ref := TaskRef{Run: run.Run, Queue: "orders", Activity: 2}
	_, err := f.ns.PublishTask(f.ctx, ref, []byte("task"))
	f.ok(err)
	f.killBetween(f.ns.partitions[0].tasks, func() {
		c, err := f.ns.Consume(f.ctx, LaneTasks, "orders", "", ConsumeOptions{})
		f.ok(err)
		got, err := c.Pull(f.ctx, 1)
		f.ok(err)
		f.ok(got[0].AckSync(f.ctx))
		f.ok(c.Close())
	})
	queued, err := f.ns.TaskQueued(f.ctx, ref)
	f.ok(err)
	if !queued {
		t.Fatal("the test does not lose the removal")
	}
	c, err := f.ns.Consume(f.ctx, LaneTasks, "orders", "", ConsumeOptions{})
	f.ok(err)
	defer func() { f.ok(c.Close()) }()
	for _, last := range []bool{false, true} {
		got, err := c.Pull(f.ctx, 10)
		f.ok(err)
		d := got[0]
		if len(got) != 1 || d.Run.Run != run.Run || d.Activity != 2 || string(d.Data) != "task" || d.Seq != 1 {
			t.Fatalf("got %+v", d)
		}
		if d.Deliveries < 2 {
			t.Fatalf("delivery %d: receivers would not look whether the message is done with", d.Deliveries)
		}
		f.ok(d.KeepAlive())
		f.ok(d.InProgress(f.ctx))
		if last {
			f.ok(d.AckSync(f.ctx))
			f.ok(d.Ack(f.ctx)) // it is removed, by whomever
		} else {
			f.ok(d.Nak(time.Millisecond))
		}
	}
	queued, err = f.ns.TaskQueued(f.ctx, ref)
	f.ok(err)
	if queued {
		t.Fatal("the task is still stored after its acknowledgement")
	}
}

// TestWaitingReceiversGetOrphansAfterAReconnection: nobody opens a consumer after the server was killed.
func TestWaitingReceiversGetOrphansAfterAReconnection(t *testing.T) {
	f := setup(t, 1)
	run := newRun("w")
	f.ok(f.ns.Send(f.ctx, run, signal("s1")))
	c, err := f.ns.Consume(f.ctx, LaneInbox, "orders", "", ConsumeOptions{})
	f.ok(err)
	defer func() { f.ok(c.Close()) }()
	f.killBetween(f.ns.partitions[0].streamNames.inbox, func() {
		got, err := c.Pull(f.ctx, 1)
		f.ok(err)
		f.ok(got[0].AckSync(f.ctx))
	})
	got, err := c.Pull(f.ctx, 1)
	f.ok(err)
	if got[0].Run != run || got[0].Deliveries < 2 {
		t.Fatalf("got %+v", got[0])
	}
	f.ok(got[0].Ack(f.ctx))
	waiting, err := f.ns.ReadInbox(f.ctx, run, "", 0)
	f.ok(err)
	if len(waiting) > 0 {
		t.Fatalf("left over: %+v", waiting)
	}
}

// TestOrphansAboveTheFloorAreFoundWhenItHasPassed: an older message was still unacknowledged when the server was killed.
func TestOrphansAboveTheFloorAreFoundWhenItHasPassed(t *testing.T) {
	f := setup(t, 1)
	first, second := newRun("w1"), newRun("w2")
	f.ok(f.ns.Send(f.ctx, first, signal("s1")))
	f.ok(f.ns.Send(f.ctx, second, signal("s2")))
	c, err := f.ns.Consume(f.ctx, LaneInbox, "orders", "", ConsumeOptions{AckWait: 500 * time.Millisecond})
	f.ok(err)
	defer func() { f.ok(c.Close()) }()
	f.killBetween(f.ns.partitions[0].streamNames.inbox, func() {
		for acked := false; !acked; {
			got, err := c.Pull(f.ctx, 2)
			f.ok(err)
			for _, d := range got {
				if d.Run == second {
					f.ok(d.AckSync(f.ctx))
					acked = true
				}
			}
		}
	})
	seen := map[string]bool{}
	for len(seen) < 2 {
		got, err := c.Pull(f.ctx, 2)
		f.ok(err)
		for _, d := range got {
			seen[d.Run.WorkflowID] = true
			f.ok(d.AckSync(f.ctx))
		}
	}
	for _, run := range []history.Address{first, second} {
		waiting, err := f.ns.ReadInbox(f.ctx, run, "", 0)
		f.ok(err)
		if len(waiting) > 0 {
			t.Fatalf("left over: %+v", waiting)
		}
	}
}
