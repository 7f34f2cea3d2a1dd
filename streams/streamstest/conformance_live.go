package streamstest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func liveChecks() []check {
	return []check{
		{"follow/what is there and what comes", followAll},
		{"follow/from a number", followAfter},
		{"follow/ends", followEnds},
		{"notice/reaches its waiter", noticeReaches},
		{"notice/of a record that is appended", noticeOfRecord},
		{"notice/only a plain waiter", noticeRefused},
		{"query/answered", queryAnswered},
		{"query/nobody", queryNobody},
		{"dead letter/kept", deadLetterKept},
		{"dead letter/newest first", deadLettersNewestFirst},
	}
}

func (f *fixture) follow(run history.Run, after uint64) streams.Follower {
	f.Helper()
	follower, err := f.Follow(f.ctx, run, after)
	f.noError("follow", err)
	f.Cleanup(func() {
		if err := follower.Close(); err != nil {
			f.Errorf("close follower: %v", err)
		}
	})
	return follower
}

// next demands that the follower's next record is the lane's record of this number.
func (f *fixture) next(follower streams.Follower, number uint64) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	r, err := follower.Next(ctx)
	f.noError("next record", err)
	equal(f, "record number", r.Number, number)
	t, err := r.Transition()
	f.noError("decode transition", err)
	equal(f, "commit ID in the transition", t.CommitID, r.CommitID)
}

func (f *fixture) noNext(follower streams.Follower) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, silence)
	defer cancel()
	_, err := follower.Next(ctx)
	f.wantError("next record when there is none", err, context.DeadlineExceeded)
}

func followAll(f *fixture) {
	l, other := f.newLane(), f.newLane()
	l.append()
	l.append()
	follower := f.follow(l.run, 0)
	l.append()
	other.append()
	f.next(follower, 1)
	f.next(follower, 2)
	f.next(follower, 3)
	f.noNext(follower)

	f.noError("inject junk", f.InjectJunk(l.run, []byte("junk")))
	loaded, err := f.Load(f.ctx, l.run, 0)
	f.noError("load", err)
	l.expected = loaded.LastSeq
	for range 20 {
		l.append()
	}
	for n := range uint64(20) {
		f.next(follower, 4+n)
	}
	f.noNext(follower)
}

func followAfter(f *fixture) {
	l := f.newLane()
	for range 3 {
		l.append()
	}
	follower, ahead := f.follow(l.run, 2), f.follow(l.run, 4)
	l.append()
	l.append()
	for n := range uint64(3) {
		f.next(follower, 3+n)
	}
	f.next(ahead, 5)
}

func followEnds(f *fixture) {
	follower := f.follow(f.newRun().Run, 0)
	ended := make(chan error, 1)
	go func() {
		_, err := follower.Next(f.ctx)
		ended <- err
	}()
	f.noError("close", follower.Close())
	f.wantError("next of a closed follower", <-ended, streams.ErrClosed)
	_, err := follower.Next(f.ctx)
	f.wantError("next after close", err, streams.ErrClosed)
	f.noError("close again", follower.Close())
}

// notice is what a listener is told.
type notice struct{ runID, record string }

func noticeReaches(f *fixture) {
	mine, other := uuid.NewString(), uuid.NewString()
	heard, ended := make(chan notice, 8), make(chan struct{})
	stop, err := f.ListenClosed(mine, func(runID string, record []byte) { heard <- notice{runID, string(record)} },
		func() { close(ended) })
	f.noError("listen", err)
	tell := func(waiter string, run history.Run, record string) {
		f.noError("notify", f.NotifyClosed(run, waiter, []byte(record)))
	}
	first, second := f.newRun().Run, f.newRun().Run
	second.RunID = "odd.id >*"
	tell(other, first, "not for me")
	tell(mine, first, "one")
	tell(mine, second, "two")
	equal(f, "first notice", <-heard, notice{first.RunID, "one"})
	equal(f, "second notice", <-heard, notice{second.RunID, "two"})
	f.noError("answer", f.Answer(mine, "odd.key *", []byte("three")))
	equal(f, "an answer, to the same listener", <-heard, notice{"odd.key *", "three"})
	stop()
	<-ended
	stop()
	tell(mine, first, "late")
	equal(f, "notices after the end", len(heard), 0)
}

// Who waits hears of a closing record when it is stored, and nothing of one that is refused.
func noticeOfRecord(f *fixture) {
	waiter := uuid.NewString()
	heard, ended := make(chan notice, 8), make(chan struct{})
	stop, err := f.ListenClosed(waiter, func(runID string, record []byte) { heard <- notice{runID, string(record)} },
		func() { close(ended) })
	f.noError("listen", err)
	l, other := f.newLane(), f.newLane()
	closing := func(l *lane, waiter string, expected uint64) ([]byte, error) {
		data, info := l.record()
		info.Waiter = waiter
		seq, err := l.Append(l.ctx, l.run, data, info, expected)
		if err == nil {
			l.number, l.previous, l.expected = info.Number, seq, seq
		}
		return data, err
	}
	first, err := closing(l, waiter, 0)
	f.noError("append", err)
	_, err = closing(l, waiter, 0)
	f.wantError("append to what has moved on", err, streams.ErrConflict)
	_, err = closing(l, "no.body", l.expected)
	f.noError("append for no proper waiter", err)
	second, err := closing(other, waiter, 0)
	f.noError("append", err)
	equal(f, "first notice", <-heard, notice{l.run.RunID, string(first)})
	equal(f, "second notice", <-heard, notice{other.run.RunID, string(second)})
	stop()
	<-ended
	equal(f, "other notices", len(heard), 0)
}

func noticeRefused(f *fixture) {
	for _, waiter := range []string{"", "a.b", "*", ">", "a b", strings.Repeat("x", 65)} {
		var invalid *streams.InvalidError
		if err := f.NotifyClosed(f.newRun().Run, waiter, nil); !errors.As(err, &invalid) {
			f.Errorf("notify waiter %q: %v", waiter, err)
		}
		if err := f.Answer(waiter, "key", nil); !errors.As(err, &invalid) {
			f.Errorf("answer waiter %q: %v", waiter, err)
		}
	}
	run := f.newRun()
	_, err := streams.StartRun(f.ctx, f, streams.StartRequest{Start: &history.Start{Run: run, Type: "Order", Waiter: "a.b"}})
	var invalid *streams.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "waiter" {
		f.Errorf("start with a waiter that is no token: %v", err)
	}
	_, err = f.FindStart(f.ctx, run.Run)
	f.wantError("find the refused start", err, streams.ErrNotFound)
}

func queryAnswered(f *fixture) {
	var calls atomic.Int32
	serve := func(build, name string) (stop func()) {
		stop, err := f.ServeQueries(f.queue, build, func(_ context.Context, data []byte) []byte {
			calls.Add(1)
			return append([]byte(name+" "), data...)
		})
		f.noError("serve queries", err)
		f.Cleanup(stop)
		return stop
	}
	stopOne := serve("", "plain")
	stopTwo := serve("", "plain")
	serve("v2", "pinned")

	race(10, func(i int) {
		text := "query " + strconv.Itoa(i)
		answer, err := f.Query(f.ctx, f.queue, "", []byte(text))
		if err != nil || string(answer) != "plain "+text {
			f.Errorf("query: got %q and error %v, want %q", answer, err, "plain "+text)
		}
	})
	equal(f, "calls", calls.Load(), 10) // each query reaches one
	answer, err := f.Query(f.ctx, f.queue, "v2", nil)
	f.noError("query of a build", err)
	equal(f, "answer of a build", string(answer), "pinned ")

	stopOne()
	_, err = f.Query(f.ctx, f.queue, "", nil)
	f.noError("query of the one that is left", err)
	stopTwo()
	stopTwo()
	_, err = f.Query(f.ctx, f.queue, "", nil)
	f.wantError("query after everyone stopped", err, streams.ErrUnavailable)
}

func queryNobody(f *fixture) {
	begin := time.Now()
	_, err := f.Query(f.ctx, f.queue, "", []byte("?"))
	f.wantError("query that nobody serves", err, streams.ErrUnavailable)
	if took := time.Since(begin); took > lagAllowed {
		f.Errorf("it took %v to learn that nobody serves", took)
	}
}

func deadLetterKept(f *fixture) {
	letter := streams.DeadLetter{
		ID:      uuid.NewString(),
		Reason:  "no such run: \"x\" after 60 s, für \\immer",
		Subject: "millrace.test.0.inbox.q.-.w.r.s",
		Run:     f.newRun().Run,
		Headers: map[string][]string{"Some-Header": {"a", "b"}},
		Data:    []byte{0, 1, 2, 255},
	}
	f.noError("put dead letter", f.PutDeadLetter(f.ctx, letter))
	again := letter
	f.noError("put dead letter again", f.PutDeadLetter(f.ctx, again))
	unknown := streams.DeadLetter{ID: uuid.NewString(), Reason: "not ours", Subject: "x"}
	f.noError("put dead letter of no run", f.PutDeadLetter(f.ctx, unknown))

	got := f.letters(0, letter.ID, unknown.ID)
	equal(f, "letters", len(got), 2)
	equal(f, "run of a letter of no run", got[0].Run, history.Run{})
	d := got[1]
	equal(f, "reason", d.Reason, letter.Reason)
	equal(f, "subject", d.Subject, letter.Subject)
	equal(f, "run", d.Run, letter.Run)
	equal(f, "data", string(d.Data), string(letter.Data))
	if !slices.Equal(d.Headers["Some-Header"], []string{"a", "b"}) {
		f.Errorf("headers: got %v, want %v", d.Headers, letter.Headers)
	}
	if d.Seq == 0 || time.Since(d.Time) > time.Minute {
		f.Errorf("letter has sequence %d and time %v", d.Seq, d.Time)
	}
}

// letters are the dead letters of these IDs, the newest first.
func (f *fixture) letters(limit int, ids ...string) []streams.DeadLetter {
	f.Helper()
	var found []streams.DeadLetter
	for d, err := range f.DeadLetters(f.ctx, limit) {
		f.noError("dead letters", err)
		if slices.Contains(ids, d.ID) {
			found = append(found, d)
		}
	}
	return found
}

func deadLettersNewestFirst(f *fixture) {
	ids := []string{uuid.NewString(), uuid.NewString(), uuid.NewString()}
	for _, id := range ids {
		f.noError("put dead letter", f.PutDeadLetter(f.ctx, streams.DeadLetter{ID: id, Reason: "test"}))
	}
	got := f.letters(0, ids...)
	equal(f, "letters", len(got), 3)
	for i, d := range got {
		equal(f, "ID", d.ID, ids[2-i])
	}
	n := 0
	for _, err := range f.DeadLetters(f.ctx, 2) {
		f.noError("dead letters", err)
		n++
	}
	equal(f, "letters within the limit", n, 2)
}
