package main

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	queue      = "bench"
	signalName = "s"
	queryName  = "q"
)

// payload is small, so that a record is about as large as the bare broker's bodies.
var payload = []byte("0123456789abcdef")

func register(w worker.Registry) {
	for _, fn := range []any{sequence, fanOut, collect, sleeper, idle} {
		w.RegisterWorkflow(fn)
	}
	w.RegisterActivity(nothing)
}

// nothing is an activity that does nothing.
func nothing(_ context.Context, input []byte) ([]byte, error) { return input, nil }

func withActivities(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
}

func sequence(ctx workflow.Context, steps int, input []byte) ([]byte, error) {
	ctx = withActivities(ctx)
	out := input
	for range steps {
		if err := workflow.ExecuteActivity(ctx, nothing, out).Get(ctx, &out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func fanOut(ctx workflow.Context, n int, input []byte) error {
	ctx = withActivities(ctx)
	all := make([]workflow.Future, n)
	for i := range all {
		all[i] = workflow.ExecuteActivity(ctx, nothing, input)
	}
	for _, f := range all {
		if err := f.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func collect(ctx workflow.Context, signals int) error {
	ch := workflow.GetSignalChannel(ctx, signalName)
	for range signals {
		ch.Receive(ctx, nil)
	}
	return nil
}

// sleeper sleeps until a time in Unix nanoseconds.
func sleeper(ctx workflow.Context, due int64) error {
	return workflow.Sleep(ctx, time.Unix(0, due).Sub(workflow.Now(ctx)))
}

// idle waits for a signal, and answers queries meanwhile.
func idle(ctx workflow.Context) error {
	err := workflow.SetQueryHandler(ctx, queryName, func() (int, error) { return 42, nil })
	if err != nil {
		return err
	}
	workflow.GetSignalChannel(ctx, signalName).Receive(ctx, nil)
	return nil
}
