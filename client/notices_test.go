package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is what notices listen to in these tests.
type wire struct {
	fail    error
	handle  func(runID string, record []byte)
	ended   func()
	stopped int
}

func (w *wire) listen(_ string, handle func(runID string, record []byte), ended func()) (func(), error) {
	if w.fail != nil {
		return nil, w.fail
	}
	w.handle, w.ended = handle, ended
	return func() { w.stopped++; ended() }, nil
}

// wantRecord demands what await returns. It waits at most for the tick.
func wantRecord(t *testing.T, s *notices, n *notice, want string) {
	t.Helper()
	record, err := s.await(t.Context(), n)
	if err != nil || string(record) != want {
		t.Errorf("notice of run %s: %.20q, %v, want %.20q", n.runID, record, err, want)
	}
}

func TestNoticeThatCame(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := newNotices(w.listen)
	defer s.close()
	small, large := s.expect("small"), s.expect("large")
	w.handle("small", []byte("s"))
	w.handle("large", make([]byte, maxIdleRecord+1))
	w.handle("another's", []byte("x"))
	wantRecord(t, s, small, "s")
	wantRecord(t, s, small, "s")
	wantRecord(t, s, large, "") // the run is known to be closed, and has to be read
	if len(s.expected) != 0 || s.idle.Len() != 0 {
		t.Errorf("%d notices are expected, %d idle", len(s.expected), s.idle.Len())
	}
}

// Everybody who waits gets a record of any size; it is not kept for later if it is large.
func TestManyWaitForOneNotice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := newNotices(w.listen)
		defer s.close()
		n := s.expect("run")
		large := bytes.Repeat([]byte("x"), maxIdleRecord+1)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { wantRecord(t, s, n, string(large)) })
		}
		synctest.Wait()
		w.handle("run", large)
		group.Wait()
		if n.record != nil {
			t.Errorf("%d bytes are kept", len(n.record))
		}
		wantRecord(t, s, n, "")
	})
}

// A notice that does not come is given up after a second at most. When it comes after all, it is there for the next.
func TestNoticeThatIsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := newNotices(w.listen)
		defer s.close()
		n := s.expect("run")
		var group sync.WaitGroup
		for i := range 7 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * noticeTick / 3)
				begun := time.Now()
				wantRecord(t, s, n, "")
				if waited := time.Since(begun); waited < noticeTick || waited > 2*noticeTick {
					t.Errorf("waited for %v", waited)
				}
			})
		}
		group.Wait()
		if s.idle.Len() != 1 {
			t.Errorf("%d notices are idle, want the late one", s.idle.Len())
		}
		time.Sleep(10 * noticeTick)
		s.mu.Lock()
		if s.ticking {
			t.Error("it ticks while nobody waits")
		}
		s.mu.Unlock()
		w.handle("run", []byte("late"))
		wantRecord(t, s, n, "late")
	})
}

// The oldest notice that nobody waits for is forgotten: its run is looked at, at once.
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := newNotices(w.listen)
		s.limit = 3
		defer s.close()
		var all []*notice
		waited := s.expect("waited")
		var group sync.WaitGroup
		group.Go(func() { wantRecord(t, s, waited, "w") })
		synctest.Wait()
		for i := range 8 {
			all = append(all, s.expect(fmt.Sprint(i)))
		}
		if len(s.expected) != 4 || s.idle.Len() != 3 {
			t.Errorf("%d notices are expected, %d idle", len(s.expected), s.idle.Len())
		}
		w.handle("waited", []byte("w"))
		group.Wait()
		begun := time.Now()
		for i, n := range all {
			w.handle(n.runID, []byte("r"))
			want := ""
			if i >= 5 {
				want = "r"
			}
			wantRecord(t, s, n, want)
		}
		if time.Since(begun) > 0 {
			t.Error("a notice that was forgotten is waited for")
		}
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := newNotices(w.listen)
		defer s.close()
		n := s.expect("run")
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := s.await(ctx, n); !errors.Is(err, why) {
				t.Errorf("await: %v", err)
			}
		})
		synctest.Wait()
		cancel(why)
		group.Wait()
		w.handle("run", []byte("r"))
		if record, err := s.await(ctx, n); err != nil || string(record) != "r" {
			t.Errorf("a notice that is there: %q, %v", record, err)
		}
	})
}

func TestNoticesEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		s := newNotices(w.listen)
		n := s.expect("run")
		var group sync.WaitGroup
		begun := time.Now()
		group.Go(func() { wantRecord(t, s, n, "") })
		synctest.Wait()
		w.ended() // the connection was closed
		group.Wait()
		wantRecord(t, s, n, "")
		if time.Since(begun) > 0 {
			t.Error("await went on when no notice could come")
		}
		if s.expect("next") != nil {
			t.Error("a notice is expected after the end")
		}
		s.close()
		s.close()
	})
}

// Without a subscription runs are followed, and the next start tries to subscribe again.
func TestNoticesThatCannotBeHad(t *testing.T) {
	t.Parallel()
	w := &wire{fail: errors.New("no")}
	s := newNotices(w.listen)
	if s.expect("run") != nil {
		t.Error("a notice is expected that nobody hears")
	}
	w.fail = nil
	if s.expect("run") == nil {
		t.Error("no notice is expected")
	}
	s.close()
	if w.stopped != 1 {
		t.Errorf("stopped %d times", w.stopped)
	}
	s = newNotices(w.listen)
	s.close()
	if s.expect("run") != nil || w.stopped != 1 {
		t.Error("a closed client subscribes")
	}
}

// Starts, ends and waits at once, under the race detector.
func TestNoticesAtOnce(t *testing.T) {
	t.Parallel()
	w := &wire{}
	s := newNotices(w.listen)
	s.limit = 8
	s.expect("first")
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for k := range 200 {
				id := fmt.Sprintf("%d-%d", i, k)
				n := s.expect(id)
				var inner sync.WaitGroup
				switch k % 4 {
				case 0:
					inner.Go(func() { w.handle(id, []byte(id)) })
				case 1:
					w.handle(id, make([]byte, maxIdleRecord+1))
				case 2:
					s.forget(n)
				default:
					continue // nobody asks
				}
				if record, err := s.await(t.Context(), n); err != nil || record != nil && string(record) != id {
					t.Errorf("run %s: %.20q, %v", id, record, err)
				}
				inner.Wait()
			}
		})
	}
	group.Wait()
	if len(s.expected) > s.limit || s.waiting != 0 {
		t.Errorf("%d notices are expected, %d waited for", len(s.expected), s.waiting)
	}
	s.close()
}
