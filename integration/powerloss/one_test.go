//go:build linux

package powerloss

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/integration/powerloss/forgetfs"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

// alonePause is for how long those two servers decide that have not seen everything: long enough for an election.
const alonePause = 10 * time.Second

// TestReplicatedLosesNothingWhenOneLosesPowerAmongPauses lets two of three servers form a majority that does not know the
// end of what was acknowledged, unless the one that was part of both majorities has synced it: the first server is paused
// while the other two acknowledge; then the second loses its power, and goes on with the first while the third is paused.
func TestReplicatedLosesNothingWhenOneLosesPowerAmongPauses(t *testing.T) {
	if !*cluster {
		t.Skip("NOT SHOWN without -cluster")
	}
	l, report := cutOneAmongPauses(newSite(t, 3, &journalling, devserver.Config{SyncAlways: true}))
	for _, v := range report.Violations {
		t.Error(v)
	}
	if said := l.said.with(lossSaid); len(said) > 0 {
		t.Errorf("a loss was reported that there was not: %q", said)
	}
}

// cutOneAmongPauses makes the schedule again and again, with other servers in the roles, and judges what is left.
func cutOneAmongPauses(s *site) (*load, *verify.Report) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute*time.Duration(*cuts)+4*settle)
	s.Cleanup(cancel)
	r := rand.New(rand.NewPCG(*seed, 1))
	s.start(s.servers...)
	l := newLoad(ctx, s, streams.CreateOptions{Replicas: 3})
	l.run(ctx, 16, 3, *cuts)
	var all forgetfs.Lost
	for n := range *cuts {
		l.awaitFor(ctx, between, recovery)
		order := r.Perm(len(s.servers))
		ignorant, forgetful, knowing := s.servers[order[0]], s.servers[order[1]], s.servers[order[2]]
		l.note(ignorant.pause())
		l.awaitFor(ctx, between+r.Int64N(between), recovery)
		fault := verify.Fault{ID: fmt.Sprint(n), Kind: "power cut among pauses", Begun: verify.Now(),
			Target: fmt.Sprintf("%s, while %s and then %s pause", forgetful.config.ServerName, ignorant.config.ServerName, knowing.config.ServerName)}
		if open := l.inFlight.Load(); open > 0 {
			fault.Hit = fmt.Sprintf("%d operations", open)
		}
		l.note(l.faults.Append(fault))
		l.note(knowing.pause())
		all = all.Plus(s.cut(forgetfs.Loss(r.IntN(4)), r, forgetful))
		l.note(ignorant.resume())
		s.start(forgetful)
		select {
		case <-ctx.Done():
			s.Fatal(context.Cause(ctx))
		case <-time.After(alonePause):
		}
		l.note(knowing.resume())
		fault.Ended = verify.Now()
		l.awaitFor(ctx, 1, recovery)
		fault.Recovered = verify.Now()
		l.note(l.faults.Append(fault))
		l.tick()
	}
	s.Logf("%d cuts, %d operations acknowledged; unsynced and lost: %+v", *cuts, l.acked.Load(), all)
	l.finish(settle)
	report := l.judge(ctx, settle)
	if c := report.Faults["power cut among pauses"]; c == nil || c.Hit == 0 {
		s.Error("VOID: no power cut hit an operation in flight")
	}
	return l, report
}
