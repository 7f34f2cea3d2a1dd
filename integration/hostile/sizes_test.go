package hostile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// The limits that docs/protocol.md names.
const (
	maxWorkflowID  = 1000 // bytes
	maxToken       = 200  // bytes after encoding
	maxNamespace   = 64
	maxRequestID   = 1000
	maxUpdateID    = 1000
	maxType        = 1000
	maxFairnessKey = 64
)

// everything is a workflow that uses every kind of message which carries the workflow ID in its subject or key.
func everything(ctx workflow.Context, childID, childQueue string) (string, error) {
	var heard string
	err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return "heard " + heard, nil })
	if err == nil {
		err = workflow.SetUpdateHandler(ctx, "add", func(_ workflow.Context, s string) (string, error) { return s + "!", nil })
	}
	if err != nil {
		return "", err
	}
	var beat string
	if err := workflow.ExecuteActivity(queued(ctx), "beat").Get(ctx, &beat); err != nil {
		return "", err
	}
	if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
		return "", err
	}
	if childID != "" {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: childID, TaskQueue: childQueue})
		f := workflow.ExecuteChildWorkflow(child, "Everything", "", "")
		if err := f.SignalChildWorkflow(ctx, "go", "child").Get(ctx, nil); err != nil {
			return "", fmt.Errorf("signal child: %w", err)
		}
		if err := f.Get(ctx, nil); err != nil {
			return "", fmt.Errorf("child: %w", err)
		}
	}
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, &heard)
	return beat + heard, nil
}

func beat(ctx context.Context) (string, error) {
	activity.RecordHeartbeat(ctx, strings.Repeat("x", 1000))
	return "beat ", nil
}

// worst is a text of n bytes that takes three times as many where it is a subject token; the number keeps two apart.
func worst(n, number int) string {
	return fmt.Sprintf("%s%d", strings.Repeat(".", n-1), number)
}

// TestWorkflowIDsAtTheLimit runs everything under the longest names there are, in their longest encoding: a subject has to
// fit into the server's protocol line.
func TestWorkflowIDsAtTheLimit(t *testing.T) {
	t.Parallel()
	e := newEngine(t, strings.Repeat("n", maxNamespace))
	longQueue := strings.Repeat("*", (maxToken-2)/3) + "qq"
	e.work(longQueue, map[string]any{"Everything": everything}, map[string]any{"beat": beat})
	for name, id := range map[string]func(number int) string{
		"plain":     func(k int) string { return strings.Repeat("a", maxWorkflowID-1) + fmt.Sprint(k) },
		"dots":      func(k int) string { return worst(maxWorkflowID, k) },
		"below":     func(k int) string { return worst(maxWorkflowID-1, k) },
		"unicode":   func(k int) string { return strings.Repeat("é", (maxWorkflowID-2)/2) + fmt.Sprintf("%02d", k) },
		"control":   func(k int) string { return strings.Repeat("\x00", maxWorkflowID-1) + fmt.Sprint(k) },
		"wildcards": func(k int) string { return strings.Repeat("*.>", 333) + fmt.Sprint(k) },
		"blanks":    func(k int) string { return strings.Repeat(" \r\n", 333) + fmt.Sprint(k) },
	} {
		t.Run(name, func(t *testing.T) { e.runEverything(t, id(1), id(2), longQueue) })
	}
}

func (e *engine) runEverything(t *testing.T, id, childID, taskQueue string) {
	run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: taskQueue}, "Everything", childID, taskQueue)
	if err != nil {
		t.Fatalf("start: %v\n%s", cut(err), e.log.text())
	}
	ctx, cancel := context.WithTimeout(e.ctx, 20*time.Second)
	defer cancel()
	h, err := e.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateID: strings.Repeat(".", maxUpdateID), UpdateName: "add",
		Args: []any{"x"}, WaitForStage: client.WorkflowUpdateStageCompleted})
	var updated string
	if err == nil {
		err = h.Get(ctx, &updated)
	}
	if err != nil || updated != "x!" {
		t.Errorf("update: %q, %v", updated, cut(err))
	}
	if v, err := e.client.QueryWorkflow(ctx, id, "", "state"); err != nil {
		t.Errorf("query: %v", cut(err))
	} else if err := v.Get(&updated); err != nil || updated != "heard " {
		t.Errorf("query: %q, %v", updated, err)
	}
	if d, err := e.client.DescribeWorkflow(ctx, id, ""); err != nil || d.WorkflowExecution.ID != id {
		t.Errorf("describe: %v", cut(err))
	}
	if err := e.client.SignalWorkflow(ctx, id, "", "go", "signal"); err != nil {
		t.Errorf("signal: %v", cut(err))
	}
	var result string
	if err := run.Get(ctx, &result); err != nil || result != "beat signal" {
		t.Fatalf("result %q, %v\n%s", result, cut(err), e.log.text())
	}
	if err := e.replayer.ReplayWorkflowRun(ctx, e.client, nil, id, ""); err != nil {
		t.Errorf("replay: %v", cut(err))
	}
	if err := e.client.SignalWorkflow(ctx, id, "", "go", "late"); !errors.As(err, new(*serviceerror.NotFound)) {
		t.Errorf("signal to a closed run: %v", cut(err))
	}
	again, err := e.client.SignalWithStartWorkflow(ctx, id, "go", "at once", client.StartWorkflowOptions{TaskQueue: taskQueue}, "Everything", "", "")
	if err != nil {
		t.Fatalf("signal with start: %v", cut(err))
	}
	if err := again.Get(ctx, &result); err != nil || result != "beat at once" {
		t.Errorf("second result %q, %v", result, cut(err))
	}
	ended, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: taskQueue}, "Everything", "", "")
	if err == nil {
		err = e.client.TerminateWorkflow(ctx, id, "", "over")
	}
	if err != nil {
		t.Errorf("terminate: %v", cut(err))
	} else if err := ended.Get(ctx, nil); err == nil {
		t.Error("a terminated run completed")
	}
}

// cut keeps long names from filling the screen.
func cut(err error) string {
	text := fmt.Sprint(err)
	const head, tail = 200, 300
	if len(text) <= head+tail {
		return text
	}
	return text[:head] + " ... " + text[len(text)-tail:]
}

// TestNamesBeyondTheLimit tries every name that a client gives at its limit and one beyond.
func TestNamesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "default")
	e.work(queue, map[string]any{"Everything": everything, strings.Repeat("T", maxType): everything}, map[string]any{"beat": beat})
	start := func(o client.StartWorkflowOptions, typ string) error {
		if o.ID == "" {
			o.ID = fmt.Sprint("names-", time.Now().UnixNano())
		}
		if o.TaskQueue == "" {
			o.TaskQueue = queue
		}
		_, err := e.client.ExecuteWorkflow(e.ctx, o, typ, "", "")
		return err
	}
	e.must(start(client.StartWorkflowOptions{ID: "open"}, "Everything"))
	for name, tc := range map[string]struct {
		limit int
		field string // the error names it
		try   func(n int) error
	}{
		"workflow ID": {maxWorkflowID, "workflow ID", func(n int) error {
			return start(client.StartWorkflowOptions{ID: strings.Repeat("i", n)}, "Everything")
		}},
		"task queue": {maxToken, "task queue", func(n int) error {
			return start(client.StartWorkflowOptions{TaskQueue: strings.Repeat("q", n)}, "Everything")
		}},
		"task queue, encoded": {(maxToken - 2) / 3, "task queue", func(n int) error {
			return start(client.StartWorkflowOptions{TaskQueue: strings.Repeat(".", n)}, "Everything")
		}},
		"workflow type": {maxType, "type", func(n int) error {
			return start(client.StartWorkflowOptions{}, strings.Repeat("T", n))
		}},
		"signal to a workflow ID": {maxWorkflowID, "workflow ID", func(n int) error {
			err := e.client.SignalWorkflow(e.ctx, strings.Repeat("s", n), "", "go", "")
			if errors.As(err, new(*serviceerror.NotFound)) {
				return nil
			}
			return err
		}},
		"run ID of a signal": {maxToken, "run ID", func(n int) error {
			err := e.client.SignalWorkflow(e.ctx, "open", strings.Repeat("r", n), "go", "")
			if errors.As(err, new(*serviceerror.NotFound)) {
				return nil
			}
			return err
		}},
		"signal name": {maxType, "signal name", func(n int) error {
			err := e.client.SignalWorkflow(e.ctx, "open", "", strings.Repeat("n", n), "")
			if err != nil {
				return err
			}
			_, err = e.client.SignalWithStartWorkflow(e.ctx, "open", strings.Repeat("n", n), "", client.StartWorkflowOptions{TaskQueue: queue}, "Everything", "", "")
			return err
		}},
		"update name": {maxUpdateID, "UpdateName", func(n int) error {
			h, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "open", UpdateName: strings.Repeat("u", n),
				Args: []any{"x"}, WaitForStage: client.WorkflowUpdateStageCompleted})
			if err == nil {
				err = h.Get(e.ctx, nil)
			}
			if errors.As(err, new(*millrace.ApplicationError)) {
				return nil // the run knows no update of that name
			}
			return err
		}},
		"fairness key": {maxFairnessKey, "FairnessKey", func(n int) error {
			return start(client.StartWorkflowOptions{Priority: millrace.Priority{FairnessKey: strings.Repeat("f", n)}}, "Everything")
		}},
		"update ID": {maxUpdateID, "UpdateID", func(n int) error {
			_, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "open", UpdateID: strings.Repeat("u", n),
				UpdateName: "add", Args: []any{"x"}, WaitForStage: client.WorkflowUpdateStageCompleted})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{tc.limit - 1, tc.limit} {
				if err := tc.try(n); err != nil {
					t.Errorf("%d bytes: %v", n, cut(err))
				}
			}
			err := tc.try(tc.limit + 1)
			if !errors.As(err, new(*serviceerror.InvalidArgument)) || !strings.Contains(err.Error(), tc.field) {
				t.Errorf("%d bytes: %v, want an invalid argument that names the %s", tc.limit+1, cut(err), tc.field)
			}
		})
	}
	// Nothing of it keeps the runs from going on.
	e.must(e.client.SignalWorkflow(e.ctx, "open", "", "go", "on"))
	var result string
	if err := e.client.GetWorkflow(e.ctx, "open", "").Get(e.ctx, &result); err != nil || result != "beat on" {
		t.Errorf("result %q, %v", result, err)
	}
}
