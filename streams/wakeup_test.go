package streams

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Wake-ups due at many moments, with fractions of milliseconds: none fires early, each fires.
func TestWakeUpIsNeverEarly(t *testing.T) {
	t.Parallel()
	const runs = 50
	f := setup(t, 2)
	c := f.consume(LaneInbox, "orders", ConsumeOptions{})
	due := map[history.Run]time.Time{}
	for i := range runs {
		run := newRun(fmt.Sprintf("w%d", i))
		due[run.Run] = time.Now().Add(rand.N(1500 * time.Millisecond)).Add(333 * time.Microsecond)
		f.ok(f.ns.ArmWakeUp(f.ctx, run, due[run.Run]))
	}
	for _, d := range f.pull(c, runs) {
		m, err := history.DecodeMessage(d.Data)
		f.ok(err)
		at := due[d.Run.Run]
		if d.Source != history.SourceWakeUp || m.WakeUp == nil || m.WakeUp.Due.Before(at) || m.WakeUp.Due.Sub(at) > time.Millisecond {
			t.Errorf("run %s: %s %+v, armed for %s", d.Run, d.Source, m, at)
		}
		if m.ID != fmt.Sprint(m.WakeUp.Due.UnixMilli()) {
			t.Errorf("run %s: ID %s for %s", d.Run, m.ID, m.WakeUp.Due)
		}
		if d.Published.Before(at) {
			t.Errorf("run %s: fired %s early", d.Run, at.Sub(d.Published))
		}
		f.ok(d.AckSync(f.ctx))
	}
}

// Whoever arms when, the earliest time stays armed.
func TestConcurrentArmsKeepTheEarliest(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w")
	base := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	var group sync.WaitGroup
	for _, i := range rand.Perm(24) {
		group.Go(func() {
			if err := f.ns.ArmWakeUp(f.ctx, run, base.Add(time.Duration(i)*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	armed, err := f.ns.ArmedWakeUp(f.ctx, run.Run)
	f.ok(err)
	if !armed.Equal(base) {
		t.Errorf("armed for %s, want %s", armed, base)
	}
	_, err = f.ns.ArmedWakeUp(f.ctx, newRun("w").Run)
	f.is(err, ErrNotFound)
}

func TestJunkOnTimerSubjectIsReplaced(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w")
	_, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: f.ns.at("w").wakeUp(run.Run), Data: []byte("x")})
	f.ok(err)
	f.ok(f.ns.ArmWakeUp(f.ctx, run, time.Now()))
	if d := f.pull(f.consume(LaneInbox, "orders", ConsumeOptions{}), 1)[0]; d.Source != history.SourceWakeUp {
		t.Errorf("delivered %+v", d)
	}
}
