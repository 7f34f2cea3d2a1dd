// Package scene is what the samples share when they run on a server: a client, a worker that serves the sample's task
// queue, and comparisons.
package scene

import (
	"context"
	"fmt"
	"reflect"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

// Scene is a client with a worker.
type Scene struct {
	client.Client
	queue  string
	worker worker.Worker
}

// Open connects, and serves the task queue with what register registers.
func Open(options client.Options, queue string, register func(worker.Registry)) (*Scene, error) {
	return OpenWith(options, queue, worker.Options{}, register)
}

// OpenWith is Open with options of the worker.
func OpenWith(options client.Options, queue string, w worker.Options, register func(worker.Registry)) (*Scene, error) {
	c, err := client.Dial(options)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	s := &Scene{Client: c, queue: queue, worker: worker.New(c, queue, w)}
	register(s.worker)
	if err := s.worker.Start(); err != nil {
		c.Close()
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	return s, nil
}

// Close stops the worker and closes the client.
func (s *Scene) Close() {
	s.worker.Stop()
	s.Client.Close()
}

// Workflow returns the options of a new workflow on the scene's task queue.
func (s *Scene) Workflow() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: s.queue + "-" + uuid.NewString(), TaskQueue: s.queue}
}

// Start starts a workflow with these options.
func (s *Scene) Start(ctx context.Context, workflow any, args ...any) (client.WorkflowRun, error) {
	return s.ExecuteWorkflow(ctx, s.Workflow(), workflow, args...)
}

// Expect runs a workflow to its end and compares its result.
func Expect[T any](ctx context.Context, s *Scene, want T, workflow any, args ...any) error {
	run, err := s.Start(ctx, workflow, args...)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return Result(ctx, run, want)
}

// Result waits for a run and compares its result.
func Result[T any](ctx context.Context, run client.WorkflowRun, want T) error {
	var got T
	if err := run.Get(ctx, &got); err != nil {
		return fmt.Errorf("result of %s: %w", run.GetID(), err)
	}
	return Equal(got, want)
}

// Equal is an error unless both are equal.
func Equal(got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}
