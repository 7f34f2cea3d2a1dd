//go:build linux

package powerloss

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/powerloss/forgetfs"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// between is how many operations are acknowledged between two cuts, at least.
	between = 60
	// settle is how long after the last cut everything may take to end.
	settle = time.Minute
	// recovery is how long it may take until operations are acknowledged again: a cluster may take 25 s.
	recovery = time.Minute
)

// A journalling file system keeps the name of a file with its content; see TestNamesOfBlocksAreNotSynced.
var journalling = forgetfs.Journal

func TestDurableLosesNothingInAPowerCut(t *testing.T) {
	for _, group := range []bool{false, true} {
		t.Run(fmt.Sprintf("group commit %v", group), func(t *testing.T) {
			s := newSite(t, 1, &journalling, devserver.Config{SyncAlways: true})
			l, report := cutUnderLoad(s, streams.CreateOptions{GroupCommit: group})
			for _, v := range report.Violations {
				t.Error(v)
			}
			if said := l.said.with(lossSaid); len(said) > 0 {
				t.Errorf("a loss was reported that there was not: %q", said)
			}
		})
	}
}

// TestReplicatedLosesNothingWhenAllLosePower cuts the power of all three servers of a cluster at one time. The streams of
// replicas are not synced for each message, their Raft logs are.
func TestReplicatedLosesNothingWhenAllLosePower(t *testing.T) {
	if !*cluster {
		t.Skip("NOT SHOWN without -cluster")
	}
	s := newSite(t, 3, &journalling, devserver.Config{SyncAlways: true})
	l, report := cutUnderLoad(s, streams.CreateOptions{Replicas: 3})
	for _, v := range report.Violations {
		t.Error(v)
	}
	if said := l.said.with(lossSaid); len(said) > 0 {
		t.Errorf("a loss was reported that there was not: %q", said)
	}
}

// TestLazyLosesInAPowerCut is the control: the same cuts have to cost something where the server does not sync, otherwise
// they prove nothing.
func TestLazyLosesInAPowerCut(t *testing.T) {
	s := newSite(t, 1, &journalling, devserver.Config{})
	l, report := cutUnderLoad(s, streams.CreateOptions{})
	if lost := report.Invariants[verify.I1].Violated; lost == 0 {
		t.Error("VOID: nothing was lost without syncing: the power cuts of these tests cut nothing")
	} else {
		t.Logf("%d acknowledged operations were lost", lost)
	}
	if len(l.said.with(lossSaid, "_HISTORY")) == 0 {
		t.Error("nobody said that the server has lost what it had acknowledged")
	}
	if report.DeadLetters == 0 {
		t.Error("no dead letter tells of the loss")
	}
	for _, v := range report.Violations {
		// A first record that was on its way when its start was lost is stored without one. Nothing follows from it.
		orphan := strings.HasPrefix(v.What, "record 1 at ") && strings.HasSuffix(v.What, "belongs to a run that was not started")
		// What clients were told of what is gone fits no order; the records that are there still have to follow one another.
		chain := v.Invariant == verify.I5 && (strings.HasPrefix(v.What, "record ") || strings.HasPrefix(v.What, "its start "))
		if v.Invariant == verify.I2 && !orphan || chain {
			t.Errorf("what is left is more than the beginning of what was there: %v", v)
		}
	}
}

// TestNamesOfBlocksAreNotSynced says what `sync_interval: always` needs of the file system. By the letter of POSIX the
// name of a new file is kept by a sync of its directory only. nats-server syncs the directories of the small files that
// it replaces, but not those in which it makes blocks of messages, streams and consumers. File systems with a journal
// keep the name of a file that is synced. When this test fails, nats-server has become better, and the note on file
// systems in docs/durability.md can go.
func TestNamesOfBlocksAreNotSynced(t *testing.T) {
	model := forgetfs.Strict
	s := newSite(t, 1, &model, devserver.Config{SyncAlways: true})
	ctx, cancel := context.WithTimeout(context.Background(), settle)
	defer cancel()
	s.start(s.servers...)
	nc, err := nats.Connect(s.url())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "A", Subjects: []string{"a"}})
	}
	if err == nil {
		_, err = js.Publish(ctx, "a", []byte("hello"))
	}
	if err != nil {
		t.Fatal(err)
	}
	unkept := s.servers[0].disk.Unkept()
	for _, name := range []string{"create jetstream", "create jetstream/$G/streams/A", "create jetstream/$G/streams/A/msgs/1.blk"} {
		if !slices.Contains(unkept, name) {
			t.Errorf("%q is synced now; what is not: %q", name, unkept)
		}
	}
}

// cutUnderLoad cuts the power of all servers of a site at one time, again and again, and judges what is left. What
// servers that do not sync have written reaches the disks some time before each cut.
func cutUnderLoad(s *site, o streams.CreateOptions) (*load, *verify.Report) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second*time.Duration(*cuts)+4*settle)
	s.Cleanup(cancel)
	r := rand.New(rand.NewPCG(*seed, 0))
	s.start(s.servers...)
	l := newLoad(ctx, s, o)
	patience := settle
	if !s.servers[0].config.SyncAlways {
		l.patience = 3 * time.Second
		patience = l.patience // those who wait for what was lost wait in vain
	}
	l.run(ctx, 16, 3, *cuts)
	var all forgetfs.Lost
	for n := range *cuts {
		for _, m := range s.servers {
			if !m.config.SyncAlways {
				l.awaitFor(ctx, between, recovery)
				m.disk.Keep()
			}
		}
		l.awaitFor(ctx, between+r.Int64N(between), recovery)
		all = all.Plus(l.cut(ctx, s, n, forgetfs.Loss(r.IntN(4)), r))
		l.tick()
	}
	s.Logf("%d cuts, %d operations acknowledged; unsynced and lost: %+v", *cuts, l.acked.Load(), all)
	l.finish(patience)
	return l, l.judge(ctx, patience)
}

// cut makes the n-th cut, starts the servers again and waits until they are of use.
func (l *load) cut(ctx context.Context, s *site, n int, loss forgetfs.Loss, r *rand.Rand) forgetfs.Lost {
	l.Helper()
	fault := verify.Fault{ID: fmt.Sprint(n), Kind: "power cut", Target: loss.String(), Begun: verify.Now()}
	if open := l.inFlight.Load(); open > 0 {
		fault.Hit = fmt.Sprintf("%d operations", open)
	}
	l.note(l.faults.Append(fault))
	lost := s.cut(loss, r, s.servers...)
	s.start(s.servers...)
	fault.Ended = verify.Now()
	l.awaitFor(ctx, 1, recovery)
	fault.Recovered = verify.Now()
	l.note(l.faults.Append(fault))
	return lost
}

// judge waits until nothing waits any more, at most for so long, and verifies the evidence.
func (l *load) judge(ctx context.Context, patience time.Duration) *verify.Report {
	l.Helper()
	deadline, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline.Err() == nil && !l.drained(deadline) {
		<-tick.C
	}
	if err := verify.WritePlan(l.dir, verify.Plan{Name: l.Name(), Seed: *seed, NoReplay: true}); err != nil {
		l.Fatal(err)
	}
	if err := verify.Dump(ctx, l.conn, client.DefaultNamespace, l.dir); err != nil {
		l.Fatal(err)
	}
	report, err := verify.Verify(ctx, l.dir, verify.Options{})
	if err != nil {
		l.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		l.Fatal(err)
	}
	l.Log(text.String())
	if keep := os.Getenv("MILLRACE_KEEP_EVIDENCE"); keep != "" && l.Failed() {
		if err := os.CopyFS(filepath.Join(keep, l.Name()), os.DirFS(l.dir)); err != nil {
			l.Error(err)
		}
	}
	return report
}

// drained says whether nothing waits, is still to be delivered, again perhaps, or is unacknowledged.
func (l *load) drained(ctx context.Context) bool {
	d, err := verify.Waiting(ctx, l.conn, client.DefaultNamespace)
	if err != nil || d.Left() > 0 {
		return false
	}
	js, err := jetstream.New(l.conn)
	if err != nil {
		return false
	}
	open := 0
	for _, kind := range []string{"HISTORY", "INBOX", "TASKS"} {
		s, err := js.Stream(ctx, "MILLRACE_"+client.DefaultNamespace+"_0_"+kind)
		if err != nil {
			return false
		}
		list := s.ListConsumers(ctx)
		for c := range list.Info() {
			open += c.NumAckPending + int(c.NumPending)
		}
		if list.Err() != nil {
			return false
		}
	}
	return open == 0
}
