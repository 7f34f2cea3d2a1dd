package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMutexIsGivenInTheOrderOfAsking(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		m := workflow.NewMutex(ctx)
		var log []string
		wg := workflow.NewWaitGroup(ctx)
		for i := range 3 {
			wg.Go(ctx, func(ctx workflow.Context) {
				if err := m.Lock(ctx); err != nil {
					panic(err)
				}
				defer m.Unlock()
				log = append(log, fmt.Sprint("in ", i))
				if err := workflow.Sleep(ctx, time.Duration(3-i)*time.Second); err != nil {
					panic(err)
				}
				log = append(log, fmt.Sprint("out ", i, m.IsLocked(), m.TryLock(ctx)))
			})
		}
		wg.Wait(ctx)
		return append(log, fmt.Sprint(m.IsLocked(), m.TryLock(ctx))), nil
	})
	for range 3 {
		h.advance(3 * time.Second)
	}
	wantResult(h, []string{"in 0", "out 0 true false", "in 1", "out 1 true false", "in 2", "out 2 true false", "false true"})
}

func TestCanceledWaiterForAMutexDoesNotLockIt(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		m := workflow.NewMutex(ctx)
		if err := m.Lock(ctx); err != nil {
			return "", err
		}
		waiting, cancel := workflow.WithCancel(ctx)
		var got error
		done := workflow.NewWaitGroup(ctx)
		done.Go(waiting, func(ctx workflow.Context) { got = m.Lock(ctx) })
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
		cancel()
		done.Wait(ctx)
		var canceled *millrace.CanceledError
		again := m.Lock(waiting)
		m.Unlock()
		return fmt.Sprint(errors.As(got, &canceled), errors.As(again, &canceled), m.IsLocked()), nil
	})
	h.advance(time.Second)
	wantResult(h, "true true false")
}

func TestWhatIsFreeIsTakenWithACanceledContext(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		canceled, cancel := workflow.WithCancel(ctx)
		cancel()
		m, s := workflow.NewMutex(ctx), workflow.NewSemaphore(ctx, 2)
		log := fmt.Sprint(m.Lock(canceled), m.IsLocked(), s.Acquire(canceled, 2), s.TryAcquire(ctx, 1))
		return log + fmt.Sprint(m.Lock(canceled) != nil, s.Acquire(canceled, 1) != nil), nil
	})
	wantResult(h, "<nil> true <nil> falsetrue true")
}

func TestUnlockOfAnUnlockedMutexPanics(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		workflow.NewMutex(ctx).Unlock()
		return nil
	}, nil)
	if err := h.try(); err == nil || !strings.Contains(err.Error(), "unlocked Mutex") {
		t.Fatalf("error is %v", err)
	}
}

func TestWhoNeedsManyUnitsOfASemaphoreIsNotOvertaken(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		s := workflow.NewSemaphore(ctx, 3)
		var log []string
		wg := workflow.NewWaitGroup(ctx)
		for i, n := range []int64{2, 3, 1} {
			wg.Go(ctx, func(ctx workflow.Context) {
				if err := s.Acquire(ctx, n); err != nil {
					panic(err)
				}
				log = append(log, fmt.Sprint(i))
				if err := workflow.Sleep(ctx, time.Second); err != nil {
					panic(err)
				}
				s.Release(n)
			})
		}
		wg.Wait(ctx)
		return append(log, fmt.Sprint(s.TryAcquire(ctx, 4), s.TryAcquire(ctx, 3), s.TryAcquire(ctx, 1))), nil
	})
	for range 3 {
		h.advance(time.Second)
	}
	wantResult(h, []string{"0", "1", "2", "false true false"})
}

func TestCanceledWaiterForASemaphoreLetsOthersPass(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		s := workflow.NewSemaphore(ctx, 2)
		if err := s.Acquire(ctx, 1); err != nil {
			return "", err
		}
		waiting, cancel := workflow.WithCancel(ctx)
		var log []string
		wg := workflow.NewWaitGroup(ctx)
		wg.Go(ctx, func(workflow.Context) { log = append(log, fmt.Sprint("many ", s.Acquire(waiting, 2) != nil)) })
		wg.Go(ctx, func(ctx workflow.Context) { log = append(log, fmt.Sprint("one ", s.Acquire(ctx, 1))) })
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
		cancel()
		wg.Wait(ctx)
		return strings.Join(log, ", "), nil
	})
	h.advance(time.Second)
	wantResult(h, "many true, one <nil>")
}

func TestMutexHeldByAnUnloadedRunDoesNotPanic(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		m := workflow.NewMutex(ctx)
		for range 2 {
			workflow.Go(ctx, func(ctx workflow.Context) {
				if err := m.Lock(ctx); err != nil {
					panic(err)
				}
				defer m.Unlock()
				_ = workflow.Sleep(ctx, time.Hour)
			})
		}
		return workflow.Await(ctx, func() bool { return false })
	})
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
}
