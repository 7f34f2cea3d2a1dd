package streams

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// tardy is a broker that answers 150 requests a second, one after the other in the order in which they came: those that
// nobody waits for any more, too.
type tardy struct {
	requests chan chan struct{}
	mu       sync.Mutex // guards window
	window   window
}

// serve answers until requests is closed, and judges the window at times unless it is to stay as wide as it is.
func (b *tardy) serve(narrowing bool) {
	for answer := range b.requests {
		time.Sleep(time.Second / 150)
		close(answer)
		if narrowing {
			b.mu.Lock()
			b.window.judge(time.Now())
			b.mu.Unlock()
		}
	}
}

// ask asks until the answer comes in time, as retryFor does, and says whether it has within the budget.
func (b *tardy) ask() bool {
	begun := time.Now()
	for timeout := firstAttempt; time.Since(begun) < retryBudget; timeout = min(2*timeout, lastAttempt) {
		b.window.slots <- struct{}{}
		sent, answer, answered := time.Now(), make(chan struct{}), false
		b.requests <- answer
		select {
		case <-answer:
			answered = true
		case <-time.After(timeout):
		}
		b.mu.Lock()
		if !answered {
			b.window.lost(sent)
		}
		tokens := b.window.ended(sent, answered)
		b.mu.Unlock()
		for range tokens {
			<-b.window.slots
		}
		if answered {
			return true
		}
	}
	return false
}

// drain has a thousand callers ask at once, and returns how many get their answer and how long that takes.
func drain(t *testing.T, narrowing bool) (answered int64, took time.Duration) {
	synctest.Test(t, func(*testing.T) {
		b := &tardy{requests: make(chan chan struct{}, 1<<16), window: newWindow(maxLines)}
		var broker, callers sync.WaitGroup
		broker.Go(func() { b.serve(narrowing) })
		began := time.Now()
		var count atomic.Int64
		for range 1000 {
			callers.Go(func() {
				if b.ask() {
					count.Add(1)
				}
			})
		}
		callers.Wait()
		answered, took = count.Load(), time.Since(began)
		close(b.requests)
		broker.Wait()
	})
	return answered, took
}

func TestSlowBrokerIsAskedNoMoreThanItAnswersInTime(t *testing.T) {
	t.Parallel()
	answered, took := drain(t, true)
	t.Logf("%d of 1,000 requests were answered within %v", answered, took)
	if answered < 1000 {
		t.Errorf("%d of 1,000 requests were answered, which take 6.7 s altogether", answered)
	}
	wide, _ := drain(t, false)
	t.Logf("%d were answered with all under way at once", wide)
	if wide > 900 {
		t.Errorf("%d of 1,000 requests were answered with all under way at once: nothing is shown", wide)
	}
}

// The window gets as wide as it was when answers are prompt again, and not while they are slow.
func TestWindowWidensWithPromptAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(maxLines)
		answer := func(after time.Duration) {
			w.slots <- struct{}{}
			sent := time.Now()
			time.Sleep(after)
			for range w.ended(sent, true) {
				<-w.slots
			}
		}
		for range 10 {
			time.Sleep(pace)
			w.lost(time.Now())
			w.judge(time.Now())
		}
		if w.size() != minLines {
			t.Errorf("%d requests may be under way when none is answered, want %d", w.size(), minLines)
		}
		for range maxLines {
			answer(prompt)
		}
		if w.size() != minLines {
			t.Errorf("%d requests may be under way after slow answers, want %d", w.size(), minLines)
		}
		for range maxLines {
			answer(time.Millisecond)
		}
		if w.size() != maxLines || len(w.slots) != 0 {
			t.Errorf("%d requests may be under way after prompt answers, and %d tokens are left, want %d and 0", w.size(), len(w.slots), maxLines)
		}
	})
}

// Where most requests are answered in time, those that are not do not keep the others back: a partition that has no
// leader answers none.
func TestWindowStaysWideForTheMany(t *testing.T) {
	t.Parallel()
	w, now := newWindow(maxLines), time.Now()
	for range 100 {
		w.slots <- struct{}{}
		for range w.ended(now, true) {
			<-w.slots
		}
	}
	for range 25 {
		w.lost(now)
	}
	w.judge(now)
	if w.size() != maxLines {
		t.Errorf("%d requests may be under way, want %d", w.size(), maxLines)
	}
}

// A process that waits before it answers, or does not answer, is no slow broker: nobody else has to wait for it, neither
// who asks others nor who asks the broker.
func TestAskingAnotherProcessNarrowsNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.silence("void")
	l := f.ns.link
	l.mu.Lock()
	for k := range l.windows {
		l.windows[k].judged = time.Now().Add(time.Hour) // nothing begins to count anew
	}
	l.mu.Unlock()
	late := func(ask func(context.Context, *nats.Msg, time.Duration) (*nats.Msg, error)) (n int) {
		_, err := ask(f.ctx, &nats.Msg{Subject: "void"}, 10*time.Millisecond)
		f.is(err, errNoAnswer)
		l.mu.Lock()
		defer l.mu.Unlock()
		for k := range l.windows {
			n += l.windows[k].late
		}
		return n
	}
	if n := late(f.ns.askProcess); n != 0 {
		t.Errorf("%d requests count that a process has not answered", n)
	}
	if n := late(f.ns.request); n != 1 {
		t.Errorf("%d requests count that the broker has not answered, want 1", n)
	}
}

// Who answers a query asks the broker on the same connection, where the queries under way leave no room.
func TestQueriesLeaveRoomForTheirAnswers(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	l := f.ns.link
	l.mu.Lock()
	l.windows[narrow] = newWindow(1)
	l.mu.Unlock()
	run := newRun("w").Run
	stop, err := f.ns.ServeQueries("q", "", func(ctx context.Context, _ []byte) []byte {
		if _, err := f.ns.Load(ctx, run, 0); err != nil {
			return []byte(err.Error())
		}
		return []byte("answer")
	})
	f.ok(err)
	defer stop()
	ctx, cancel := context.WithTimeout(f.ctx, 20*time.Second)
	defer cancel()
	answer, err := f.ns.Query(ctx, "q", "", []byte("?"))
	f.ok(err)
	if string(answer) != "answer" {
		t.Errorf("answer is %q", answer)
	}
}
