package streamstest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func inboxChecks() []check {
	return []check{
		{"inbox/read in order", inboxRead},
		{"inbox/empty", inboxEmpty},
		{"inbox/repeated", inboxRepeated},
		{"inbox/arguments", inboxArguments},
		{"wake-up/fires", wakeUpFires},
		{"wake-up/moves earlier", wakeUpEarlier},
		{"wake-up/stays when moved later", wakeUpLater},
		{"wake-up/armed again", wakeUpAgain},
		{"wake-up/overdue", wakeUpOverdue},
	}
}

func inboxRead(f *fixture) {
	run, other := f.newRun(), f.newRun()
	f.send(run, signal("one"), result(7, 1))
	f.send(other, signal("foreign"))
	f.send(run, signal("two"), result(8, 1), signal("three"))

	wantWaiting(f, run, "", 0, "s:one", "a7:1", "s:two", "a8:1", "s:three")
	wantWaiting(f, run, history.SourceSignals, 0, "s:one", "s:two", "s:three")
	wantWaiting(f, run, history.SourceSignals, 2, "s:one", "s:two")
	wantWaiting(f, run, "", 3, "s:one", "a7:1", "s:two")
	wantWaiting(f, run, history.ActivitySource(8), 1, "a8:1")
	wantWaiting(f, run, history.ActivitySource(9), 0)
	wantWaiting(f, other, "", 0, "s:foreign")
	wantWaiting(f, f.newRun(), "", 0)

	ds := f.pull(f.consume(streams.LaneInbox), 6)                              // partitions may come in any order
	wantWaiting(f, run, history.SourceSignals, 0, "s:one", "s:two", "s:three") // delivered, and still there
	for _, d := range ds {
		if d.Run == run && decodeMessage(f, d.Data).ID == "one" {
			f.noError("ack", d.AckSync(f.ctx))
		}
	}
	wantLeft(f, run, history.SourceSignals, "s:two", "s:three")
}

// inboxEmpty: emptiness is claimed of nothing from which something waits. Where claiming it is no cheaper than reading it
// never is.
func inboxEmpty(f *fixture) {
	run := f.newRun()
	f.send(run, result(7, 1))
	f.send(f.newRun(), signal("foreign"))
	for _, t := range []struct {
		sources []history.Source
		is      bool
	}{
		{[]history.Source{history.SourceSignals}, true},
		{[]history.Source{history.SourceSignals, history.ActivitySource(8)}, true},
		{[]history.Source{history.ActivitySource(7)}, false},
		{[]history.Source{history.SourceSignals, history.ActivitySource(7)}, false},
		{nil, false},
	} {
		empty, err := f.InboxEmpty(f.ctx, run, t.sources)
		f.noError("look into inbox", err)
		if empty && !t.is {
			f.Fatalf("sources %q are called empty", t.sources)
		}
	}
}

// wantWaiting demands that these messages, by their identities, wait in this order.
func wantWaiting(f *fixture, run history.Address, source history.Source, limit int, want ...string) {
	f.Helper()
	if got := waitingIn(f, run, source, limit); !slices.Equal(got, want) {
		f.Fatalf("waiting of source %q: got %q, want %q", source, got, want)
	}
}

// wantLeft is wantWaiting after an acknowledgement.
func wantLeft(f *fixture, run history.Address, source history.Source, want ...string) {
	f.Helper()
	f.settles(fmt.Sprintf("waiting of source %q is %q", source, want), func() bool {
		return slices.Equal(waitingIn(f, run, source, 0), want)
	})
}

func waitingIn(f *fixture, run history.Address, source history.Source, limit int) []string {
	f.Helper()
	waiting, err := f.ReadInbox(f.ctx, run, source, limit)
	f.noError("read inbox", err)
	var seq uint64
	var got []string
	for i, w := range waiting {
		rest, err := f.ReadInboxAfter(f.ctx, run, source, w.Seq, 1)
		f.noError("read inbox", err)
		if i+1 < len(waiting) && (len(rest) != 1 || rest[0].Seq != waiting[i+1].Seq) {
			now, err := f.ReadInbox(f.ctx, run, source, limit)
			f.noError("read inbox", err)
			if len(now) < len(waiting) { // an acknowledgement has taken effect in between
				return waitingIn(f, run, source, limit)
			}
			f.Fatalf("after %d comes %+v, want %d", w.Seq, rest, waiting[i+1].Seq)
		}
		m := decodeMessage(f, w.Data)
		equal(f, "source of "+m.Identity(), w.Source, m.Source())
		if w.Seq <= seq {
			f.Fatalf("message %s has sequence %d, not after %d", m.Identity(), w.Seq, seq)
		}
		seq = w.Seq
		got = append(got, m.Identity())
	}
	return got
}

func decodeMessage(f *fixture, data []byte) *history.Message {
	f.Helper()
	m, err := history.DecodeMessage(data)
	f.noError("decode message", err)
	return m
}

// inboxRepeated: a message that is sent again may wait twice; nothing else may be lost or added.
func inboxRepeated(f *fixture) {
	run := f.newRun()
	f.send(run, signal("x"), signal("x"), signal("y"))
	waiting, err := f.ReadInbox(f.ctx, run, "", 0)
	f.noError("read inbox", err)
	seen := make(map[string]int)
	for _, w := range waiting {
		seen[decodeMessage(f, w.Data).Identity()]++
	}
	if seen["s:x"] < 1 || seen["s:x"] > 2 || seen["s:y"] != 1 || len(seen) != 2 {
		f.Fatalf("waiting: got %v, want s:x once or twice and s:y once", seen)
	}
	// The identity counts within its run only.
	other := f.newRun()
	f.send(other, signal("x"))
	wantWaiting(f, other, "", 0, "s:x")
}

func inboxArguments(f *fixture) {
	f.wantError("empty workflow ID", f.Send(f.ctx, f.runOf(""), signal("x")), streams.ErrInvalid)
	huge := signal("x")
	huge.Signal.Name = string(make([]byte, f.Limits().MaxRecord))
	run := f.newRun()
	f.wantError("too large a message", f.Send(f.ctx, run, huge), streams.ErrTooLarge)
	f.wantError("message of no kind", f.Send(f.ctx, run, &history.Message{ID: "x"}), streams.ErrInvalid)
	wantWaiting(f, run, "", 0)
}

// arm arms the run's wake-up d from now and returns when that is.
func (f *fixture) arm(run history.Address, d time.Duration) time.Time {
	f.Helper()
	due := time.Now().Add(d).Truncate(time.Millisecond)
	f.noError("arm wake-up", f.ArmWakeUp(f.ctx, run, due))
	return due
}

// wakeUp takes the wake-up that is due at a time, and checks that it was not early.
func (f *fixture) wakeUp(c streams.Consumer, run history.Address, due time.Time) {
	f.Helper()
	latest := time.Now()
	if due.After(latest) {
		latest = due
	}
	d := f.pullOne(c)
	if now := time.Now(); now.Before(due) || now.After(latest.Add(lagAllowed)) {
		f.Fatalf("wake-up due at %v came %v later", due, now.Sub(due))
	}
	equal(f, "run of the wake-up", d.Run, run)
	equal(f, "source of the wake-up", d.Source, history.SourceWakeUp)
	m := decodeMessage(f, d.Data)
	if m.WakeUp == nil || !m.WakeUp.Due.Equal(due) {
		f.Fatalf("wake-up: got %+v, want one that is due at %v", m.WakeUp, due)
	}
	equal(f, "wake-up's identity", m.Identity(), "w:"+strconv.FormatInt(due.UnixMilli(), 10))
	f.noError("ack wake-up", d.AckSync(f.ctx))
}

func wakeUpFires(f *fixture) {
	run := f.newRun()
	c := f.consume(streams.LaneInbox)
	due := f.arm(run, time.Second)
	armed, err := f.ArmedWakeUp(f.ctx, run.Run)
	f.noError("armed wake-up", err)
	if !armed.Equal(due) {
		f.Fatalf("armed for %v, want %v", armed, due)
	}
	f.wakeUp(c, run, due)
	f.nothing(c, ackWait)
	_, err = f.ArmedWakeUp(f.ctx, run.Run)
	f.wantError("armed wake-up after it fired", err, streams.ErrNotFound)
}

func wakeUpEarlier(f *fixture) {
	run := f.newRun()
	c := f.consume(streams.LaneInbox)
	f.arm(run, time.Hour)
	f.arm(run, time.Minute)
	due := f.arm(run, time.Second)
	f.wakeUp(c, run, due)
	f.nothing(c, ackWait)
}

func wakeUpLater(f *fixture) {
	run := f.newRun()
	c := f.consume(streams.LaneInbox)
	due := f.arm(run, time.Second)
	f.arm(run, time.Hour)
	armed, err := f.ArmedWakeUp(f.ctx, run.Run)
	f.noError("armed wake-up", err)
	if !armed.Equal(due) {
		f.Fatalf("armed for %v, want %v", armed, due)
	}
	f.wakeUp(c, run, due)
}

func wakeUpAgain(f *fixture) {
	run := f.newRun()
	c := f.consume(streams.LaneInbox)
	for range 2 {
		f.wakeUp(c, run, f.arm(run, 500*time.Millisecond))
	}
}

func wakeUpOverdue(f *fixture) {
	run := f.newRun()
	c := f.consume(streams.LaneInbox)
	f.wakeUp(c, run, f.arm(run, -time.Minute))
}
