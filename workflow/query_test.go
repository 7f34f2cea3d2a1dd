package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

func TestSignalsBeforeTheirReceiverAreKept(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) ([]string, error) {
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return nil, err
		}
		var log []string
		c := workflow.GetSignalChannel(ctx, "a")
		log = append(log, fmt.Sprint(c.Len(), c == workflow.GetSignalChannel(ctx, "a"), c.Name()))
		for range 3 {
			var v string
			c.Receive(ctx, &v)
			log = append(log, v)
		}
		workflow.GetSignalChannel(ctx, "b").Receive(ctx, nil)
		return log, nil
	}, nil)
	h.step(h.signal("a", "1")) // before the code has run at all
	h.step(h.signal("b", nil), h.signal("a", "2"))
	h.step(h.signal("a", "3"))
	h.advance(time.Minute)
	wantResult(h, []string{"3 truea", "1", "2", "3"})
}

func progress(ctx workflow.Context) error {
	state := "starting"
	if err := workflow.SetQueryHandler(ctx, "state", func(prefix string) (string, error) {
		if prefix == "" {
			return "", errors.New("a prefix is needed")
		}
		return prefix + state, nil
	}); err != nil {
		return err
	}
	for {
		workflow.GetSignalChannel(ctx, "state").Receive(ctx, &state)
		if state == "end" {
			return nil
		}
	}
}

func TestQueryWhileBlockedAndAfterClose(t *testing.T) {
	t.Parallel()
	h := begin(t, progress)
	want := func(want string) {
		t.Helper()
		var got string
		if err := h.ask("state", &got, "is "); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	want("is starting")
	h.step(h.signal("state", "training"))
	want("is training")
	before := h.trace()
	for range 3 {
		want("is training")
	}
	if h.trace() != before {
		t.Error("queries changed the history")
	}
	h.step(h.signal("state", "end"))
	want("is end")
}

func TestQueryErrors(t *testing.T) {
	t.Parallel()
	h := begin(t, progress)
	for query, tt := range map[string]struct {
		args []any
		want string
	}{
		"state": {[]any{""}, "a prefix is needed"},
		"other": {nil, `unknown query type "other": the workflow knows [state]`},
	} {
		if err := h.ask(query, nil, tt.args...); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %q", query, err, tt.want)
		}
	}
	if err := h.ask("state", nil, 5); err == nil || !strings.Contains(err.Error(), "decode arguments") {
		t.Errorf("wrong argument: got %v", err)
	}
}

// A query handler that tries to change the run fails, and changes nothing.
func TestQueryHandlersAreReadOnly(t *testing.T) {
	t.Parallel()
	calls := []string{"activity", "child", "timer", "go", "send", "receive", "close", "select", "set", "add", "await",
		"signal", "cancel", "handler", "future"}
	h := begin(t, func(ctx workflow.Context) error {
		c := workflow.NewBufferedChannel(ctx, 5)
		c.Send(ctx, 0)
		pending, s := workflow.NewFuture(ctx)
		w := workflow.NewWaitGroup(ctx)
		selector := workflow.NewSelector(ctx).AddReceive(c, func(workflow.ReceiveChannel, bool) {})
		below, cancel := workflow.WithCancel(ctx)
		do := map[string]func(){
			"activity": func() { workflow.ExecuteActivity(withActivities(ctx), "A") },
			"child":    func() { workflow.ExecuteChildWorkflow(ctx, "A") },
			"timer":    func() { _ = workflow.Sleep(ctx, time.Second) },
			"go":       func() { workflow.Go(ctx, func(workflow.Context) {}) },
			"send":     func() { c.SendAsync(1) },
			"receive":  func() { c.ReceiveAsync(nil) },
			"close":    func() { c.Close() },
			"select":   func() { selector.Select(ctx) },
			"set":      func() { s.SetValue(1) },
			"add":      func() { w.Add(1) },
			"await":    func() { _ = workflow.Await(ctx, func() bool { return true }) },
			"signal":   func() { workflow.SignalExternalWorkflow(ctx, "w", "", "s", nil) },
			"cancel":   func() { cancel() },
			"handler":  func() { _ = workflow.SetQueryHandler(ctx, "q", nil) },
			"future":   func() { _ = pending.Get(ctx, nil) },
		}
		err := workflow.SetQueryHandler(ctx, "do", func(what string) (int, error) {
			do[what]()
			return 0, nil
		})
		if err != nil {
			return err
		}
		workflow.GetSignalChannel(ctx, "end").Receive(ctx, nil)
		if c.Len() != 1 || below.Err() != nil || pending.IsReady() {
			return errors.New("a query changed the run")
		}
		return nil
	})
	for _, name := range calls {
		var p *replay.PanicError
		if err := h.ask("do", nil, name); !errors.As(err, &p) || !strings.Contains(fmt.Sprint(p.Value), "from a query handler") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	h.step(h.signal("end", nil))
	h.wantStatus(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

func TestSetQueryHandlerRefuses(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) ([]bool, error) {
		var refused []bool
		for _, handler := range []any{
			nil, 5, func() {}, func() error { return nil }, func() (int, int) { return 0, 0 },
			func(...int) (int, error) { return 0, nil }, (func() (int, error))(nil),
		} {
			refused = append(refused, workflow.SetQueryHandler(ctx, "q", handler) != nil)
		}
		good := func() (int, error) { return 0, nil }
		return append(refused, workflow.SetQueryHandler(ctx, "", good) != nil, workflow.SetQueryHandler(ctx, "__q", good) != nil), nil
	})
	wantResult(h, []bool{true, true, true, true, true, true, true, true, true})
}

func TestStackTrace(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		workflow.GoNamed(ctx, "listener", func(ctx workflow.Context) {
			workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		})
		return workflow.ExecuteActivity(withActivities(ctx), Train, "d", 1).Get(ctx, nil)
	})
	var trace string
	if err := h.ask("__stack_trace", &trace); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"root [blocked on activity Train.Get]", "listener [blocked on go.Receive]", "TestStackTrace"} {
		if !strings.Contains(trace, want) {
			t.Errorf("no %q in:\n%s", want, trace)
		}
	}
}
