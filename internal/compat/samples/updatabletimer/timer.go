// Package updatabletimer sleeps until a time that signals may change.
package updatabletimer

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// The names of the signal and the query.
const (
	Signal = "UpdateWakeUpTime"
	Query  = "GetWakeUpTime"
)

// Timer is a sleep that may be changed.
type Timer struct{ wakeUp time.Time }

// SleepUntil sleeps until the time, or the one that came last on updates.
func (t *Timer) SleepUntil(ctx workflow.Context, wakeUp time.Time, updates workflow.ReceiveChannel) error {
	t.wakeUp = wakeUp
	for fired := false; !fired && ctx.Err() == nil; {
		timerCtx, cancel := workflow.WithCancel(ctx)
		timer := workflow.NewTimer(timerCtx, t.wakeUp.Sub(workflow.Now(timerCtx)))
		workflow.NewSelector(timerCtx).
			AddFuture(timer, func(f workflow.Future) { fired = f.Get(timerCtx, nil) == nil }).
			AddReceive(updates, func(c workflow.ReceiveChannel, _ bool) {
				cancel()
				c.Receive(timerCtx, &t.wakeUp)
			}).
			Select(timerCtx)
		cancel()
	}
	return ctx.Err()
}

// Workflow sleeps.
func Workflow(ctx workflow.Context, wakeUp time.Time) (time.Time, error) {
	var t Timer
	if err := workflow.SetQueryHandler(ctx, Query, func() (time.Time, error) { return t.wakeUp, nil }); err != nil {
		return time.Time{}, err
	}
	err := t.SleepUntil(ctx, wakeUp, workflow.GetSignalChannel(ctx, Signal))
	return workflow.Now(ctx), err
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	s, err := scene.Open(options, "updatabletimer", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	begun := time.Now()
	run, err := s.Start(ctx, Workflow, begun.Add(time.Hour))
	if err != nil {
		return err
	}
	value, err := s.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), Query)
	if err != nil {
		return err
	}
	var wakeUp time.Time
	if err := value.Get(&wakeUp); err != nil || wakeUp.Sub(begun).Round(time.Second) != time.Hour {
		return fmt.Errorf("query says %v, %w", wakeUp, err)
	}
	if err := s.SignalWorkflow(ctx, run.GetID(), "", Signal, time.Now().Add(50*time.Millisecond)); err != nil {
		return err
	}
	var woke time.Time
	if err := run.Get(ctx, &woke); err != nil {
		return err
	}
	if slept := woke.Sub(begun); slept > time.Minute {
		return fmt.Errorf("slept %v", slept)
	}
	return nil
}
