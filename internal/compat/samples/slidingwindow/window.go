// Package slidingwindow keeps a number of children busy, each of which reports by a signal.
package slidingwindow

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const doneSignal = "done"

// Input is that of a run of the batch; Progress and Offset come from the run before.
type Input struct {
	Total, Window, PerRun int
	Offset, Progress      int
	Running               map[int]bool
}

// Batch continues as new after some children, whose reports reach the next run.
func Batch(ctx workflow.Context, in Input) (int, error) {
	if in.Running == nil {
		in.Running = make(map[int]bool)
	}
	done := workflow.GetSignalChannel(ctx, doneSignal)
	take := func(record int) {
		if in.Running[record] {
			delete(in.Running, record)
			in.Progress++
		}
	}
	self := workflow.GetInfo(ctx).WorkflowExecution.ID
	for started := 0; in.Offset < in.Total && started < in.PerRun; started++ {
		for len(in.Running) >= in.Window {
			var record int
			done.Receive(ctx, &record)
			take(record)
		}
		childCtx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: fmt.Sprintf("%s/%d", self, in.Offset), ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		})
		child := workflow.ExecuteChildWorkflow(childCtx, Record, self, in.Offset)
		if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return 0, err
		}
		in.Running[in.Offset] = true
		in.Offset++
	}
	if in.Offset < in.Total {
		var record int
		for done.ReceiveAsync(&record) {
			take(record)
		}
		return 0, workflow.NewContinueAsNewError(ctx, Batch, in)
	}
	for len(in.Running) > 0 {
		var record int
		done.Receive(ctx, &record)
		take(record)
	}
	return in.Progress, nil
}

// Record processes one record and reports.
func Record(ctx workflow.Context, batch string, record int) error {
	if err := workflow.Sleep(ctx, 5*time.Millisecond); err != nil {
		return err
	}
	return workflow.SignalExternalWorkflow(ctx, batch, "", doneSignal, record).Get(ctx, nil)
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "slidingwindow", func(r worker.Registry) {
		r.RegisterWorkflow(Batch)
		r.RegisterWorkflow(Record)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(ctx, s, 10, Batch, Input{Total: 10, Window: 3, PerRun: 4})
}
