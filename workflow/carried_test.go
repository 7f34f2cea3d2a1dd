package workflow_test

import (
	"errors"
	"fmt"
	"testing"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func lastRun(ctx workflow.Context) (string, error) {
	n := -1
	err := workflow.GetLastCompletionResult(ctx, &n)
	return fmt.Sprint(workflow.HasLastCompletionResult(ctx), n, errors.Is(err, millrace.ErrNoData), workflow.GetLastError(ctx)), nil
}

func TestFirstRunOfAChainHasNoLastResult(t *testing.T) {
	t.Parallel()
	wantResult(begin(t, lastRun), "false -1 true <nil>")
}

func TestLastResultAndLastErrorAreCarriedOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, lastRun, nil)
	h.start.LastCompletionResult = payloads(t, 7)
	h.start.ContinuedFailure = failureOf(errors.New("no power"))
	h.step()
	wantResult(h, "true 7 false no power")
}

func TestRandomStreamsAreTheSameOnReplayAndDifferByNameAndRun(t *testing.T) {
	t.Parallel()
	draw := func(ctx workflow.Context) ([]uint64, error) {
		a, b := workflow.GetRandomStream(ctx, "a"), workflow.GetRandomStream(ctx, "b")
		drawn := []uint64{a.Uint64(), b.Uint64(), workflow.GetRandomStream(ctx, "a").Uint64()}
		p := make([]byte, 5)
		if n, err := workflow.GetRandomStream(ctx, "bytes").Read(p); n != 5 || err != nil {
			return nil, fmt.Errorf("read %d, %w", n, err)
		}
		return append(drawn, uint64(p[0])), nil
	}
	results := map[uint64]bool{}
	for _, runID := range []string{"019b76da-a800-7000-8000-000000000001", "019b76da-a800-7000-8000-000000000002"} {
		for range 2 {
			h := newHarness(t, draw, nil)
			h.start.Run.RunID = runID
			h.step()
			var drawn []uint64
			h.result(&drawn)
			for _, n := range drawn[:3] {
				results[n] = true
			}
		}
	}
	if len(results) != 6 {
		t.Errorf("%d different numbers, want 3 for each of 2 runs", len(results))
	}
}

func TestQueryHandlerIsReadOnly(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		workflow.SetCurrentDetails(ctx, "loading")
		if workflow.IsReadOnly(ctx) {
			return errors.New("the workflow function may not only read")
		}
		if err := workflow.SetQueryHandler(ctx, "details", func() (string, error) {
			return fmt.Sprint(workflow.GetCurrentDetails(ctx), workflow.IsReadOnly(ctx)), nil
		}); err != nil {
			return err
		}
		return workflow.Await(ctx, func() bool { return false })
	})
	var got string
	if err := h.ask("details", &got); err != nil || got != "loadingtrue" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnhandledSignalsAreNamedInOrder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) ([]string, error) {
		workflow.GetSignalChannelWithOptions(ctx, "b", workflow.SignalChannelOptions{Description: "second"}).Receive(ctx, nil)
		return workflow.GetUnhandledSignalNames(ctx), nil
	}, nil)
	h.step(h.signal("c", 1), h.signal("b", 1), h.signal("a", 1))
	wantResult(h, []string{"a", "c"})
}
