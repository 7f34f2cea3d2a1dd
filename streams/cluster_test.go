package streams

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

// On three servers whose streams change leaders again and again, appends and starts stay definite: what was accepted
// is stored once, what is stored was accepted, and everything forms one chain.
func TestDefiniteOutcomesThroughLeaderChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	t.Parallel()
	const writers, records, stepDowns = 4, 80, 6
	servers := devtest.Cluster(t, 3)
	f := &fixture{TB: t, ctx: testContext(t), server: servers[0], nc: devtest.Conn(t, servers...)}
	f.ns = f.create("test", CreateOptions{Replicas: 3})
	run := newRun("hot")
	_, err := f.start(run, 0)
	f.ok(err)

	var mu sync.Mutex
	won := map[string]bool{}
	var group sync.WaitGroup
	for range writers {
		ns := f.open(devtest.Conn(t, servers...), "test")
		group.Go(func() {
			for {
				loaded, err := ns.Load(f.ctx, run.Run, 0)
				if err != nil {
					t.Error(err)
					return
				}
				k := uint64(len(loaded.Records)) + 1
				if k > records {
					return
				}
				data, info := f.transition(run.Run, k, loaded.LastSeq)
				_, err = ns.Append(f.ctx, run.Run, data, info, loaded.LastSeq)
				if err != nil && !errors.Is(err, ErrConflict) {
					t.Error(err)
					return
				}
				mu.Lock()
				won[info.CommitID] = err == nil
				mu.Unlock()
				if last, err := ns.LastStart(f.ctx, "cold"); err == nil || errors.Is(err, ErrNotFound) {
					var expected uint64
					if err == nil {
						expected = last.Seq
					}
					next := newRun("cold")
					_, err := f.start(next, expected)
					mu.Lock()
					won[next.RunID] = err == nil
					mu.Unlock()
				}
			}
		})
	}
	ctx, stop := context.WithCancel(f.ctx)
	var disturber sync.WaitGroup
	disturber.Go(func() {
		for range stepDowns {
			// A refusal means that there is no leader just now.
			_ = f.ns.api(ctx, "STREAM.LEADER.STEPDOWN."+f.ns.partitions[0].history, nil, nil)
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
	group.Wait()
	stop()
	disturber.Wait()

	f.verifyChains(run.Run, won)
}

// verifyChains compares what is stored with what the writers were told.
func (f *fixture) verifyChains(run history.Run, won map[string]bool) {
	f.Helper()
	stored := map[string]bool{}
	loaded, err := f.ns.Load(f.ctx, run, 0)
	f.ok(err)
	for i, r := range loaded.Records {
		if r.Number != uint64(i)+1 {
			f.Errorf("record %d at place %d", r.Number, i+1)
		}
		stored[r.CommitID] = true
	}
	var newer *StoredStart
	for s, err := range f.ns.ListStarts(f.ctx, StartFilter{WorkflowID: "cold"}) {
		f.ok(err)
		if newer != nil && newer.Expected != s.Seq {
			f.Errorf("start %d expected %d before it, which is %d", newer.Seq, newer.Expected, s.Seq)
		}
		newer = s
		stored[s.Run.RunID] = true
	}
	accepted := 0
	for id, ok := range won {
		if ok != stored[id] {
			f.Errorf("%s: accepted %v, stored %v", id, ok, stored[id])
		}
		if ok {
			accepted++
		}
	}
	if accepted != len(stored) {
		f.Errorf("%d accepted, %d stored", accepted, len(stored))
	}
}

// The longest names of every kind work everywhere.
func TestLongestNames(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.ns = f.create(strings.Repeat("n", maxNamespace), CreateOptions{Partitions: 1})
	run := newRun(strings.Repeat("ü", maxWorkflowID/2))
	run.Queue, run.Build = strings.Repeat("q", maxToken), strings.Repeat("b", maxToken)
	run.RunID = strings.Repeat("r", maxToken)
	_, err := f.start(run, 0)
	f.ok(err)
	f.appendAll(run.Run, 2)
	loaded, err := f.ns.Load(f.ctx, run.Run, 0)
	f.ok(err)
	f.wantRecords("longest names", loaded, 1, 2)
	f.ok(f.ns.Send(f.ctx, run, signal(strings.Repeat("é", 300))))
	f.ok(f.ns.ArmWakeUp(f.ctx, run, time.Now()))
	ref := TaskRef{Run: run.Run, Queue: run.Queue, Activity: 1 << 62}
	_, err = f.ns.PublishTask(f.ctx, ref, nil)
	f.ok(err)
	_, err = f.ns.PutBeat(f.ctx, run.Run, ref.Activity, []byte("x"), 0)
	f.ok(err)
	for lane, want := range map[Lane]int{LaneStarts: 1, LaneInbox: 2, LaneTasks: 1} {
		build := run.Build
		if lane == LaneTasks {
			build = ""
		}
		c, err := f.ns.Consume(f.ctx, lane, run.Queue, build, ConsumeOptions{})
		f.ok(err)
		for _, d := range f.pull(c, want) {
			if d.Run.Run != run.Run || d.Queue != run.Queue {
				t.Errorf("%s: delivered for %s", lane, d.Run)
			}
			f.ok(d.AckSync(f.ctx))
		}
		f.ok(c.Close())
	}
}
