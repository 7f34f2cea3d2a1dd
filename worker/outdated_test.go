package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// atBeat calls f once, at the n-th record that a worker is about to leave, and returns what the broker makes of that.
func (f *fixture) atBeat(n int, fault func() streamstest.Fault) {
	var seen atomic.Int32
	f.faults(func(op streamstest.Op, _ history.Run, _ int) streamstest.Fault {
		if op == streamstest.OpPutBeat && int(seen.Add(1)) == n {
			return fault()
		}
		return streamstest.Proceed
	})
}

// meanwhile calls f, which may leave records, just before the n-th record of a worker reaches the broker.
func (f *fixture) meanwhile(n int, do func()) {
	f.atBeat(n, func() streamstest.Fault { do(); return streamstest.Proceed })
}

func (f *fixture) wantWord(want history.Beat) {
	f.Helper()
	b := f.beat()
	if b == nil || b.Generation != want.Generation || b.Attempt != want.Attempt || b.Ended.IsZero() != want.Ended.IsZero() || b.Details != nil {
		f.Errorf("last word is %+v, want %+v\n%s", b, want, f.logs)
	}
}

// Whatever a worker says late about an attempt, the word of the next one stands: a reset would take that for ended.
func TestLateWordDoesNotReplaceANewerOne(t *testing.T) {
	for name, newer := range map[string]history.Beat{
		"of the next attempt":    {Attempt: 2, Started: time.Unix(1, 0)},
		"of the next generation": {Generation: 7, Attempt: 1, Started: time.Unix(1, 0)},
	} {
		for what, late := range map[string]func(ctx context.Context) error{
			"heartbeat": func(ctx context.Context) error {
				activity.RecordHeartbeat(ctx, "late")
				time.Sleep(time.Second)
				return nil
			},
			"failure":   func(context.Context) error { return errors.New("late") },
			"hand-over": func(context.Context) error { return activity.ErrResultPending },
		} {
			t.Run(what+" and word "+name, func(t *testing.T) {
				inBubble(t, func(f *fixture) {
					f.register(func(ctx context.Context) error {
						f.meanwhile(1, func() { f.putBeat(&newer) })
						err := late(ctx)
						if err == nil {
							f.wantWord(newer)
							if cause := context.Cause(ctx); !errors.Is(cause, errOutdated) {
								f.Errorf("the function of an attempt that has a successor goes on; its context ended by %v", cause)
							}
						}
						return err
					})
					f.publish()
					defer f.serve()()
					time.Sleep(3 * time.Second)
					if what != "heartbeat" {
						f.wantWord(newer)
						if got := f.sent(streamstest.OpNak, streamstest.OpAck, streamstest.OpSend); len(got) > 0 {
							f.Errorf("calls %v of an attempt that has a successor", got)
						}
					}
				})
			})
		}
	}
}

// A function that was ended since somebody else makes its attempt has not failed, though no other attempt may follow.
func TestAnAttemptThatWasEndedForAnotherReportsNoFailure(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.register(func(ctx context.Context) error {
			f.meanwhile(1, func() { f.putBeat(&history.Beat{Attempt: 1, Identity: "w2", Started: time.Now()}) })
			activity.RecordHeartbeat(ctx, "late")
			<-ctx.Done()
			return millrace.NewNonRetryableApplicationError("interrupted", "T", ctx.Err())
		})
		f.publish()
		defer f.serve()()
		time.Sleep(3 * time.Second)
		if got := f.sent(streamstest.OpNak, streamstest.OpAck, streamstest.OpSend); len(got) > 0 {
			f.Errorf("calls %v of an attempt that somebody else makes", got)
		}
	})
}

// A coordinator recalls the task between a worker's look and its word that the next attempt begins.
func TestAttemptDoesNotBeginWhenItsTaskIsRecalledMeanwhile(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var calls atomic.Int32
		f.register(func() error { calls.Add(1); return errors.New("again") })
		f.publish()
		recalled := history.Beat{Generation: 3, Attempt: 1, Ended: time.Now()}
		f.meanwhile(2, func() { f.putBeat(&recalled) }) // after the first attempt's end
		defer f.serve()()
		time.Sleep(5 * time.Second)
		if calls.Load() != 1 {
			f.Errorf("%d calls, want that of the first attempt alone", calls.Load())
		}
		f.wantWord(recalled)
	})
}

// Who recalled the task may have died before he told the run.
func TestTaskThatWasRecalledIsParkedByWhoeverHasIt(t *testing.T) {
	for name, pending := range map[string]bool{"": false, "although it was completed from outside": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.register(func() error { f.Error("the function was called"); return nil })
				f.publish()
				f.lose()
				f.putBeat(&history.Beat{Generation: 3, Attempt: 4, Ended: time.Now(), Pending: pending})
				time.Sleep(2 * lossTimeout)
				defer f.serve()()
				f.wantParked(history.ActivityParked{Scheduled: scheduled, Attempt: 5})
			})
		})
	}
}

// Two workers believe that they make the same attempt: the second has been told that it begins by the first one's word.
func TestOfTwoAttemptsWithOneNumberOneBegins(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var calls atomic.Int32
		f.register(func() error { calls.Add(1); return errors.New("again") })
		f.publish()
		f.meanwhile(2, func() { f.putBeat(&history.Beat{Attempt: 2, Identity: "w2", Started: time.Now()}) })
		defer f.serve()()
		time.Sleep(5 * time.Second)
		if calls.Load() != 1 {
			f.Errorf("%d calls, want that of the first attempt alone", calls.Load())
		}
	})
}

// That a record is refused because of an own one, whose acknowledgement was lost, is nobody else's doing.
func TestOwnWordIsNotTakenForAnothers(t *testing.T) {
	for name, lost := range map[string]int{"first heartbeat": 1, "word that the attempt failed": 2, "word that the next begins": 3} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.atBeat(lost, func() streamstest.Fault { return streamstest.Ambiguous })
				f.register(func(ctx context.Context) (string, error) {
					if activity.GetInfo(ctx).Attempt == 1 {
						activity.RecordHeartbeat(ctx, "one")
						time.Sleep(2 * time.Minute) // throttled
						return "", errors.New("again")
					}
					activity.RecordHeartbeat(ctx, "two")
					time.Sleep(2 * time.Minute)
					if b := f.beat(); b == nil || decode[string](f, b.Details) != "two" {
						f.Errorf("heartbeat is %+v", b)
					}
					return "done", nil
				})
				f.publish()
				defer f.serve()()
				if r := f.outcome(); r.Failure != nil {
					f.Errorf("outcome is %+v\n%s", r, f.logs)
				}
			})
		})
	}
}

// Losing HEARTBEATS costs what was in it, not the heartbeats that follow. Those from outside are not lost to the attempt's.
func TestHeartbeatsGoOnAfterWhatOthersDid(t *testing.T) {
	for name, others := range map[string]func(f *fixture){
		"nothing":         func(*fixture) {},
		"HEARTBEATS lost": func(f *fixture) { f.check(f.model.DeleteBeats(f.ctx, f.task.Run.Run, scheduled)) },
		"a heartbeat from outside": func(f *fixture) {
			b := f.beat()
			b.Time = time.Now()
			f.putBeat(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.task.Heartbeat = history.MillisOf(10 * time.Second)
				f.register(func(ctx context.Context) error {
					for range 5 {
						activity.RecordHeartbeat(ctx, "early")
						time.Sleep(9 * time.Second)
					}
					reads := len(f.sent(streamstest.OpGetBeat))
					if reads != 0 {
						f.Errorf("%d reads for heartbeats that nobody disputes", reads)
					}
					others(f)
					activity.RecordHeartbeat(ctx, "late")
					time.Sleep(9 * time.Second)
					if b := f.beat(); b == nil || decode[string](f, b.Details) != "late" {
						f.Errorf("heartbeat is %+v", b)
					}
					return nil
				})
				f.publish()
				defer f.serve()()
				if r := f.outcome(); r.Failure != nil {
					f.Errorf("outcome is %+v", r)
				}
				if calls := f.sent(streamstest.OpPutBeat); name == "nothing" && len(calls) != 6 {
					f.Errorf("%d calls for 6 heartbeats", len(calls))
				}
			})
		})
	}
}
