package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
)

// outcome is how a run ended, in JSON.
type outcome struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId,omitempty"`
	Status     string `json:"status"`
	Result     any    `json:"result,omitempty"`
	Failure    string `json:"failure,omitempty"`
}

func (a *app) workflowResult() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use: "result", Short: "Wait for a run's end and print its result",
		Long: `Waits until the run has closed, through its retries and successors, and prints its result as JSON. Ends with code 1
when the workflow did not complete.`,
	}
	a.targeted(cmd, &t)
	cmd.RunE = a.on(&t, func(ctx context.Context, c client.Client) error {
		run := c.GetWorkflow(ctx, t.workflowID, t.runID)
		var raw converter.RawValue
		err := run.Get(ctx, &raw)
		var failed *millrace.WorkflowExecutionError
		if err != nil && !errors.As(err, &failed) {
			return err
		}
		if a.flags.output != outputTable {
			o := outcome{WorkflowID: t.workflowID, RunID: run.GetRunID(), Status: "Completed"}
			if failed != nil {
				o.Status, o.Failure = statusOf(failed), failed.Error()
			} else {
				o.Result = payloadJSON(raw.Payload())
			}
			if err := a.printJSON(o); err != nil {
				return err
			}
			if failed != nil {
				return outcomeError{}
			}
			return nil
		}
		if failed != nil {
			return failed
		}
		return a.printPayload(raw.Payload())
	})
	return cmd
}

// statusOf is the status that goes with the error of a run.
func statusOf(err error) string {
	var canceled *millrace.CanceledError
	var terminated *millrace.TerminatedError
	var timeout *millrace.TimeoutError
	switch cause := errors.Unwrap(err); {
	case isType(cause, &canceled):
		return "Canceled"
	case isType(cause, &terminated):
		return "Terminated"
	case isType(cause, &timeout):
		return "TimedOut"
	}
	return "Failed"
}

// isType looks at the error itself: an activity's time-out inside it is not the run's.
func isType[T error](err error, _ *T) bool {
	_, ok := err.(T) //nolint:errorlint // see above
	return ok
}

// printValue prints a value that get decodes.
func (a *app) printValue(get func(any) error, there bool) error {
	if !there {
		return nil
	}
	var raw converter.RawValue
	if err := get(&raw); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return a.printPayload(raw.Payload())
}

// printPayload prints a value: JSON as JSON, but a text for people (on a terminal, or one of several lines) without its
// quotes.
func (a *app) printPayload(p *common.Payload) error {
	if p == nil {
		return nil
	}
	v := payloadJSON(p)
	if a.flags.output != outputTable {
		return a.printJSON(v)
	}
	var text string
	if raw, ok := v.(json.RawMessage); ok && json.Unmarshal(raw, &text) == nil && (isTerminal(a.stdout) || strings.Contains(text, "\n")) {
		for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			a.say("%s", printable(strings.ReplaceAll(l, "\t", "    ")))
		}
		return nil
	}
	_, err := fmt.Fprintln(a.stdout, payloadText(&common.Payloads{Payloads: []*common.Payload{p}}))
	return err
}
