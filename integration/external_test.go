package integration

import (
	"errors"
	"fmt"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

func TestRunsSignalAndCancelEachOther(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"conversation": conversation,
		"endless":      func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) },
		"caller": func(ctx workflow.Context, runID string) error {
			if err := workflow.SignalExternalWorkflow(ctx, "talk", "", "say", "newest").Get(ctx, nil); err != nil {
				return err
			}
			if err := workflow.SignalExternalWorkflow(ctx, "talk", runID, "say", "exact").Get(ctx, nil); err != nil {
				return err
			}
			if err := workflow.RequestCancelExternalWorkflow(ctx, "endless", "").Get(ctx, nil); err != nil {
				return err
			}
			var unknown *millrace.UnknownExternalWorkflowExecutionError
			for _, f := range []workflow.Future{
				workflow.SignalExternalWorkflow(ctx, "nobody", "", "say", "x"),
				workflow.RequestCancelExternalWorkflow(ctx, "nobody", ""),
				workflow.SignalExternalWorkflow(ctx, "talk", "0199c0de-0000-7000-8000-000000000000", "say", "x"),
				workflow.SignalExternalWorkflow(ctx, "closed", "", "say", "x"),
				workflow.RequestCancelExternalWorkflow(ctx, "closed", ""),
			} {
				if err := f.Get(ctx, nil); !errors.As(err, &unknown) {
					return fmt.Errorf("a run that is not open answers %w", err)
				}
			}
			canceled, cancel := workflow.WithCancel(ctx)
			cancel()
			if err := workflow.SignalExternalWorkflow(canceled, "talk", "", "say", "never").Get(ctx, nil); !millrace.IsCanceledError(err) {
				return fmt.Errorf("signal with a canceled context: %w", err)
			}
			return nil
		},
	}, nil)
	closed := e.execute("closed", "conversation", 0)
	result[string](e, closed)
	talk, endless := e.execute("talk", "conversation", 2), e.execute("endless", "endless")
	if err := e.execute("caller", "caller", talk.GetRunID()).Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	if got := result[string](e, talk); got != "newest exact" {
		t.Errorf("heard %q", got)
	}
	as[*millrace.CanceledError](e, e.failure(endless))
	e.awaitStatus("endless", enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
}

// TestARunSignalsItself sends a signal to the run that sends it.
func TestARunSignalsItself(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context) (string, error) {
		id := workflow.GetInfo(ctx).WorkflowExecution.ID
		if err := workflow.SignalExternalWorkflow(ctx, id, "", "echo", "hello").Get(ctx, nil); err != nil {
			return "", err
		}
		var s string
		workflow.GetSignalChannel(ctx, "echo").Receive(ctx, &s)
		return s, nil
	}}, nil)
	if got := result[string](e, e.execute("self", "wf")); got != "hello" {
		t.Fatalf("got %q", got)
	}
}

// TestSignalsThatWaitReachTheSuccessor continues as new while signals keep coming: every acknowledged one is consumed,
// once and in order, by one run of the chain or another.
func TestSignalsThatWaitReachTheSuccessor(t *testing.T) {
	e := newEngine(t)
	const total = 60
	var relay = func(ctx workflow.Context, heard []string) ([]string, error) {
		ch := workflow.GetSignalChannel(ctx, "say")
		for range 3 {
			var s string
			ch.Receive(ctx, &s)
			heard = append(heard, s)
			if len(heard) == total {
				return heard, nil
			}
		}
		// What a run has received into its channel but not read is the author's to carry over.
		for {
			var s string
			if !ch.ReceiveAsync(&s) {
				break
			}
			heard = append(heard, s)
		}
		if len(heard) == total {
			return heard, nil
		}
		return nil, workflow.NewContinueAsNewError(ctx, "relay", heard)
	}
	e.serve(code{"relay": relay}, nil)
	run := e.execute("relay", "relay", []string{})
	var sent []string
	for i := range total {
		s := fmt.Sprint(i)
		sent = append(sent, s)
		// Half of them go to the first run by its ID, which has closed meanwhile.
		runID := ""
		if i%2 == 0 {
			runID = run.GetRunID()
		}
		if err := e.client.SignalWorkflow(e.ctx, "relay", runID, "say", s); err != nil {
			t.Fatal(err)
		}
		if i == 9 { // so that the others find at least one run closed
			e.await("relay", "a successor", func(d *client.WorkflowExecutionDescription) bool {
				return d.WorkflowExecution.RunID != run.GetRunID()
			})
		}
	}
	heard := result[[]string](e, run)
	seen := make(map[string]int)
	for _, s := range heard {
		seen[s]++
	}
	for _, s := range sent {
		if seen[s] != 1 {
			t.Errorf("signal %s was heard %d times", s, seen[s])
		}
	}
}
