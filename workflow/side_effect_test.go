package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// replayOf replays the run's records with another function, and returns the error.
func (h *harness) replayOf(fn any) error {
	h.Helper()
	def, err := workflow.NewDefinition("Workflow", fn, workflow.DefinitionOptions{Namespace: "default"})
	if err != nil {
		h.Fatalf("%v", err)
	}
	m := replay.New(replay.Config{Start: h.start, Body: def.Body()})
	defer m.Destroy()
	for _, rec := range h.records {
		if err := m.Apply(h.roundTrip(rec)); err != nil {
			return err
		}
	}
	return nil
}

func (h *harness) wantDivergence(fn any, expected, actual string) {
	h.Helper()
	var diverged *replay.NonDeterminismError
	err := h.replayOf(fn)
	if !errors.As(err, &diverged) || diverged.Expected != expected || diverged.Actual != actual {
		h.Fatalf("replay: %v", err)
	}
}

func TestSideEffectIsNotCalledOnReplay(t *testing.T) {
	t.Parallel()
	calls := 0
	h := begin(t, func(ctx workflow.Context) ([]int, error) {
		var values []int
		for range 2 {
			var n int
			if err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { calls++; return calls }).Get(&n); err != nil {
				return nil, err
			}
			values = append(values, n)
		}
		return values, workflow.Sleep(ctx, time.Second)
	})
	h.advance(time.Second)
	h.wantTrace("MarkerRecorded MarkerRecorded TimerStarted", "TimerFired WorkflowExecutionCompleted")
	h.verify()
	wantResult(h, []int{1, 2})
	if calls != 2 {
		t.Errorf("function was called %d times", calls)
	}
}

func TestSideEffectThatTheRecordDoesNotHaveDiverges(t *testing.T) {
	t.Parallel()
	sleep := func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) }
	withEffect := func(ctx workflow.Context) (err error) {
		defer func() {
			if p := recover(); p != nil { // the code cannot hide it
				err = fmt.Errorf("recovered: %v", p)
			}
		}()
		workflow.SideEffect(ctx, func(workflow.Context) interface{} { panic("called on replay") })
		return sleep(ctx)
	}
	begin(t, sleep).wantDivergence(withEffect, "TimerStarted 1s", "MarkerRecorded SideEffect")
	h := begin(t, func(ctx workflow.Context) error {
		workflow.SideEffect(ctx, func(workflow.Context) interface{} { return 1 })
		return sleep(ctx)
	})
	h.wantDivergence(sleep, "MarkerRecorded SideEffect", "TimerStarted 1s")
	h.wantDivergence(func(ctx workflow.Context) error {
		workflow.MutableSideEffect(ctx, "x", nil, nil)
		return nil
	}, "MarkerRecorded SideEffect", `MarkerRecorded MutableSideEffect "x"`)
}

func TestSideEffectMayOnlyRead(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		workflow.SideEffect(ctx, func(ctx workflow.Context) interface{} {
			if !workflow.IsReadOnly(ctx) {
				return nil
			}
			return workflow.Sleep(ctx, time.Second)
		})
		return nil
	}, nil)
	if err := h.try(); err == nil || !strings.Contains(err.Error(), "called from a side effect") {
		t.Errorf("error is %v", err)
	}
}

func TestSideEffectWithoutAnEncodingHoldsTheRunUp(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]interface{}{"encode value": func() {}, "limit is 10": strings.Repeat("x", 20)} {
		h := newHarness(t, func(ctx workflow.Context) error {
			workflow.SideEffect(ctx, func(workflow.Context) interface{} { return value })
			return nil
		}, nil)
		h.max = 10
		h.m = h.machine()
		if err := h.try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestMutableSideEffectRecordsOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	config := []string{"a", "a", "b", "b", "a"}
	calls := 0
	h := begin(t, func(ctx workflow.Context) ([]string, error) {
		var seen []string
		for range len(config) {
			var v string
			if err := workflow.MutableSideEffect(ctx, "config", func(workflow.Context) interface{} {
				calls++
				return config[calls-1]
			}, func(a, b interface{}) bool { return a.(string) == b.(string) }).Get(&v); err != nil {
				return nil, err
			}
			seen = append(seen, v)
			if v == "b" {
				if err := workflow.Sleep(ctx, time.Second); err != nil {
					return nil, err
				}
			}
		}
		return seen, nil
	})
	h.advance(time.Second)
	h.advance(time.Second)
	h.wantTrace("MarkerRecorded MarkerRecorded TimerStarted", "TimerFired TimerStarted",
		"TimerFired MarkerRecorded WorkflowExecutionCompleted")
	h.verify()
	wantResult(h, config)
	if _, a := last[*history.MarkerRecorded](h); a.Call != 5 || a.ID != "config" {
		t.Errorf("last marker is %+v", a)
	}
	if calls != 5 {
		t.Errorf("function was called %d times", calls)
	}
}

func TestMutableSideEffectOfAnotherTypeOrNilDiffers(t *testing.T) {
	t.Parallel()
	values := []interface{}{"text", 7, nil, nil, 8}
	calls := 0
	h := begin(t, func(ctx workflow.Context) error {
		for range values {
			workflow.MutableSideEffect(ctx, "x", func(workflow.Context) interface{} { calls++; return values[calls-1] },
				func(a, b interface{}) bool { return a == b })
		}
		return nil
	})
	h.wantTrace("MarkerRecorded MarkerRecorded MarkerRecorded MarkerRecorded WorkflowExecutionCompleted")
}
