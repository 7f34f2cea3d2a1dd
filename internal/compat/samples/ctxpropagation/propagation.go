// Package ctxpropagation carries values of the caller's context to workflows and activities.
package ctxpropagation

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

type key struct{}

const header = "caller"

// Propagator carries the caller's name.
type Propagator struct{}

// Inject is part of workflow.ContextPropagator.
func (Propagator) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	return write(w, ctx.Value(key{}))
}

// InjectFromWorkflow is part of workflow.ContextPropagator.
func (Propagator) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	return write(w, ctx.Value(key{}))
}

// Extract is part of workflow.ContextPropagator.
func (Propagator) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	name, err := read(r)
	return context.WithValue(ctx, key{}, name), err
}

// ExtractToWorkflow is part of workflow.ContextPropagator.
func (Propagator) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	name, err := read(r)
	return workflow.WithValue(ctx, key{}, name), err
}

func write(w workflow.HeaderWriter, name any) error {
	p, err := converter.GetDefaultDataConverter().ToPayload(name)
	if err == nil {
		w.Set(header, p)
	}
	return err
}

func read(r workflow.HeaderReader) (name string, err error) {
	if p, ok := r.Get(header); ok {
		err = converter.GetDefaultDataConverter().FromPayload(p, &name)
	}
	return name, err
}

// Workflow says what it and its activity know of the caller.
func Workflow(ctx workflow.Context) (string, error) {
	name, _ := ctx.Value(key{}).(string)
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var inActivity string
	err := workflow.ExecuteActivity(ctx, Activity).Get(ctx, &inActivity)
	return name + "/" + inActivity, err
}

// Activity returns the caller's name.
func Activity(ctx context.Context) (string, error) {
	name, _ := ctx.Value(key{}).(string)
	return name, nil
}

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	options.ContextPropagators = []workflow.ContextPropagator{Propagator{}}
	s, err := scene.Open(options, "ctxpropagation", func(r worker.Registry) {
		r.RegisterWorkflow(Workflow)
		r.RegisterActivity(Activity)
	})
	if err != nil {
		return err
	}
	defer s.Close()
	return scene.Expect(context.WithValue(ctx, key{}, "ada"), s, "ada/ada", Workflow)
}
