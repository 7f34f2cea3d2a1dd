package workflow_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// updated is the message that brings an update with the given arguments.
func (h *harness) updated(name string, args ...any) *history.Message {
	h.Helper()
	h.sent++
	id := fmt.Sprint("u", h.sent)
	return &history.Message{ID: history.UpdateMessageID(id), Update: &history.UpdateRequest{ID: id, Name: name, Input: payloads(h, args...)}}
}

// update judges an update and lets the run take it; it returns the outcome, nil while there is none.
func (h *harness) update(name string, args ...any) (*history.UpdateAnswer, *failure.Failure) {
	h.Helper()
	m := h.updated(name, args...)
	rejected, err := h.m.Validate(m.Update)
	if err != nil {
		h.Fatalf("%v", err)
	}
	if rejected != nil {
		return nil, rejected
	}
	h.step(m)
	return h.m.State().UpdateAnswer(m.Update.ID), nil
}

// register sets an update handler in a workflow that waits for an hour, and returns the error.
func register(t *testing.T, handler any, o workflow.UpdateHandlerOptions) error {
	t.Helper()
	var err error
	begin(t, func(ctx workflow.Context) error {
		err = workflow.SetUpdateHandlerWithOptions(ctx, "u", handler, o)
		return nil
	})
	return err
}

func TestUpdateHandlersThatAreNone(t *testing.T) {
	t.Parallel()
	type o = workflow.UpdateHandlerOptions
	ok := func(int) error { return nil }
	for want, err := range map[string]error{
		"a function is needed, not a int":               register(t, 1, o{}),
		"the results must be an error":                  register(t, func() {}, o{}),
		"variadic functions are not supported":          register(t, func(...int) error { return nil }, o{}),
		"the parameters must be those":                  register(t, ok, o{Validator: func(string) error { return nil }}),
		"the result must be an error":                   register(t, ok, o{Validator: func(int) (int, error) { return 0, nil }}),
		"validator: a function is needed, not a string": register(t, ok, o{Validator: "no"}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if err := register(t, func(workflow.Context, int) (string, error) { return "", nil }, o{Validator: ok}); err != nil {
		t.Error(err) // the context is no argument
	}
}

func TestAValidatorMayOnlyRead(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, "u", func() error { return nil }, workflow.UpdateHandlerOptions{
			Validator: func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) }}); err != nil {
			return err
		}
		return workflow.Sleep(ctx, time.Hour)
	})
	_, rejected := h.update("u")
	if rejected == nil || !strings.Contains(rejected.Message, "called from an update validator, which may only read") {
		t.Errorf("rejected with %+v", rejected)
	}
	h.advance(time.Hour) // and the run goes on
	if err := h.err(); err != nil {
		t.Error(err)
	}
}

func TestUpdateHandlersRunBeforeTheCodeThatTheirMessageWakes(t *testing.T) {
	t.Parallel()
	var log []string
	h := begin(t, func(ctx workflow.Context) (string, error) {
		log = nil
		closing := false
		for _, name := range []string{"a", "close"} {
			if err := workflow.SetUpdateHandlerWithOptions(ctx, name, func(ctx workflow.Context) error {
				log = append(log, workflow.GetCurrentUpdateInfo(ctx).Name)
				closing = closing || name == "close"
				return nil
			}, workflow.UpdateHandlerOptions{}); err != nil {
				return "", err
			}
		}
		if workflow.GetCurrentUpdateInfo(ctx) != nil {
			return "", errors.New("the workflow itself is no update")
		}
		err := workflow.Await(ctx, func() bool { return closing && workflow.AllHandlersFinished(ctx) })
		return "closed", err
	})
	closed, a := h.updated("close"), h.updated("a")
	h.step(closed, a)
	wantResult(h, "closed")
	if !slices.Equal(log, []string{"close", "a"}) {
		t.Errorf("handlers ran %v", log)
	}
	for _, m := range []*history.Message{closed, a} {
		if u := h.m.State().UpdateAnswer(m.Update.ID); u.Failure != nil {
			t.Errorf("update %s failed: %v", m.Update.Name, u.Failure.Message)
		}
	}
}

func TestCancellationReachesUpdateHandlers(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		if err := workflow.SetUpdateHandlerWithOptions(ctx, "wait", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) },
			workflow.UpdateHandlerOptions{}); err != nil {
			return err
		}
		quiet, _ := workflow.NewDisconnectedContext(ctx)
		return workflow.Await(quiet, func() bool { return ctx.Err() != nil && workflow.AllHandlersFinished(ctx) })
	})
	answer, _ := h.update("wait")
	if answer.Step != history.UpdateAccepted {
		t.Fatalf("step %d", answer.Step)
	}
	h.step(h.cancel())
	answer = h.m.State().UpdateAnswer(answer.ID)
	if answer.Failure == nil || answer.Failure.CanceledFailureInfo == nil || !h.m.State().Closed() {
		t.Errorf("outcome %+v", answer.Failure)
	}
}

func TestErrorsAndPanicsOfUpdates(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		set := func(name string, handler any, o workflow.UpdateHandlerOptions) {
			if err := workflow.SetUpdateHandlerWithOptions(ctx, name, handler, o); err != nil {
				t.Error(err)
			}
		}
		set("fails", func() (int, error) { return 1, millrace.NewApplicationError("no", "T") }, workflow.UpdateHandlerOptions{})
		set("unstorable", func() (func(), error) { return nil, nil }, workflow.UpdateHandlerOptions{})
		set("judge panics", func() error { return nil }, workflow.UpdateHandlerOptions{Validator: func() error { panic("oh") }})
		set("number", func(int) error { return nil }, workflow.UpdateHandlerOptions{})
		return workflow.Sleep(ctx, time.Hour)
	})
	answer, _ := h.update("fails")
	if f := answer.Failure; f == nil || f.ApplicationFailureInfo.Type != "T" || answer.Result != nil {
		t.Errorf("an error gives %+v", answer)
	}
	if answer, _ = h.update("unstorable"); answer.Failure == nil || !strings.Contains(answer.Failure.Message, "encode result") {
		t.Errorf("a result that cannot be stored gives %+v", answer)
	}
	for name, want := range map[string]string{"judge panics": "oh", "number": "decode arguments", "other": "unknown update"} {
		if _, rejected := h.update(name, "x"); rejected == nil || !strings.Contains(rejected.Message, want) {
			t.Errorf("%s: %+v, want %q", name, rejected, want)
		}
	}
}
