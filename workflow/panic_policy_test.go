package workflow_test

import (
	"errors"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/workflow"
)

func failing(_ *harness, o *workflow.DefinitionOptions) { o.FailOnPanic = true }

func TestPanicFailsTheRunWhereThatIsAskedFor(t *testing.T) {
	for name, fn := range map[string]any{
		"in the function": func(workflow.Context) error { panic("no") },
		"in a coroutine": func(ctx workflow.Context) error {
			workflow.Go(ctx, func(workflow.Context) { panic("no") })
			return workflow.Sleep(ctx, time.Hour)
		},
	} {
		h := newHarness(t, fn, nil, failing)
		h.step()
		var p *millrace.PanicError
		if !errors.As(h.err(), &p) || p.Error() != "no" {
			t.Errorf("%s: error is %v", name, h.err())
		}
	}
}

func TestPreferredVersionIsRecordedOnce(t *testing.T) {
	prefer := workflow.Version(1)
	h := newHarness(t, func(ctx workflow.Context) (workflow.Version, error) {
		v := workflow.GetVersion(ctx, "change", workflow.DefaultVersion, 2)
		err := workflow.Sleep(ctx, time.Second)
		prefer = 2
		return v + 10*workflow.GetVersion(ctx, "change", workflow.DefaultVersion, 2), err
	}, nil, func(_ *harness, o *workflow.DefinitionOptions) {
		o.PreferredVersion = func(info *workflow.Info, change string, least, most workflow.Version) workflow.Version {
			return prefer
		}
	})
	h.step()
	h.advance(time.Second)
	wantResult(h, workflow.Version(11))
}
