// Package mutex serializes workflows by a workflow that hands out a lock through signals.
package mutex

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Signals of the lock.
const (
	requestSignal  = "request"
	acquiredSignal = "acquired"
	releaseSignal  = "release"
)

// Lock serves requests one after the other and ends when nobody asks for a while.
func Lock(ctx workflow.Context, patience time.Duration) (served int, err error) {
	requests := workflow.GetSignalChannel(ctx, requestSignal)
	for {
		var holder string
		ok, _ := requests.ReceiveWithTimeout(ctx, patience, &holder)
		if !ok {
			return served, ctx.Err()
		}
		if err := workflow.SignalExternalWorkflow(ctx, holder, "", acquiredSignal, nil).Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Info("who asked is gone", "holder", holder, "error", err)
			continue
		}
		workflow.GetSignalChannel(ctx, releaseSignal+holder).Receive(ctx, nil)
		served++
	}
}

// Holder works while it has the lock.
func Holder(ctx workflow.Context, lockID string, work time.Duration) error {
	self := workflow.GetInfo(ctx).WorkflowExecution.ID
	if err := workflow.SignalExternalWorkflow(ctx, lockID, "", requestSignal, self).Get(ctx, nil); err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, acquiredSignal).Receive(ctx, nil)
	if err := workflow.Sleep(ctx, work); err != nil {
		return err
	}
	return workflow.SignalExternalWorkflow(ctx, lockID, "", releaseSignal+self, nil).Get(ctx, nil)
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "mutex", func(r worker.Registry) {
		r.RegisterWorkflow(Lock)
		r.RegisterWorkflow(Holder)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	lock, err := s.Start(ctx, Lock, 2*time.Second)
	if err != nil {
		return err
	}
	var holders []client.WorkflowRun
	for range 3 {
		h, err := s.Start(ctx, Holder, lock.GetID(), 5*time.Millisecond)
		if err != nil {
			return err
		}
		holders = append(holders, h)
	}
	for _, h := range holders {
		if err := h.Get(ctx, nil); err != nil {
			return err
		}
	}
	return scene.Result(ctx, lock, 3)
}
