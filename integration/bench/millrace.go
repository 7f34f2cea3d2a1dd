package main

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const queue = "bench"

// millraceSystem is a worker and a client, each on a connection of its own.
type millraceSystem struct {
	starter, working client.Client
	worker           worker.Worker
}

func openMillrace(ctx context.Context, server *devserver.Server, namespace string) (system, error) {
	s := &millraceSystem{}
	for _, c := range []*client.Client{&s.starter, &s.working} {
		nc, err := server.Connect()
		if err != nil {
			return nil, err
		}
		if *c, err = client.DialContext(ctx, client.Options{Namespace: namespace,
			ConnectionOptions: client.ConnectionOptions{Conn: nc}}); err != nil {
			return nil, err
		}
	}
	s.worker = worker.New(s.working, queue, worker.Options{})
	s.worker.RegisterWorkflow(oneActivity)
	s.worker.RegisterActivity(nothing)
	return s, s.worker.Start()
}

func (s *millraceSystem) do(ctx context.Context, id string) error {
	run, err := s.starter.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, oneActivity, payload)
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

func (s *millraceSystem) close() { s.worker.Stop() }

func oneActivity(ctx workflow.Context, input []byte) ([]byte, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var out []byte
	err := workflow.ExecuteActivity(ctx, nothing, input).Get(ctx, &out)
	return out, err
}

func nothing(_ context.Context, input []byte) ([]byte, error) { return input, nil }

// payload is small, so that a record is about as large as the bare broker's bodies.
var payload = []byte("0123456789abcdef")
