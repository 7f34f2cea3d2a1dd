package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
)

// millraceSystem is a client and a worker that share a connection, as the bare broker's do, unless the workers are other
// processes.
type millraceSystem struct {
	ground    *ground
	nc        *nats.Conn
	client    client.Client
	worker    worker.Worker
	processes []*process
}

// millrace is the engine as it comes: the process that decides runs activities itself where it can.
func millrace() contestant { return millraceContestant("millrace", false) }

// millraceQueue is the engine with every activity sent through its task queue.
func millraceQueue() contestant { return millraceContestant("millrace-queue", true) }

func millraceContestant(name string, queued bool) contestant {
	return contestant{name: name, open: func(ctx context.Context, g *ground, namespace string) (system, error) {
		s, err := openMillrace(ctx, g, namespace)
		if err == nil {
			o := g.workerOptions()
			o.DisableEagerActivities = queued
			err = s.startWorker(o)
		}
		if err != nil {
			return nil, err
		}
		return s, nil
	}}
}

// processCounts are the contestants of W12, compared with one process.
func processCounts(queued bool) []contestant {
	one := processes(1, queued)
	return []contestant{one, processes(2, queued).against(one.name), processes(4, queued).against(one.name)}
}

// processes is the engine with workers in n processes of their own.
func processes(n int, queued bool) contestant {
	name := fmt.Sprintf("%d processes", n)
	if n == 1 {
		name = "1 process"
	}
	return contestant{name: name, open: func(ctx context.Context, g *ground, namespace string) (system, error) {
		s, err := openMillrace(ctx, g, namespace)
		if err != nil {
			return nil, err
		}
		for range n {
			p, err := startProcess(ctx, g, namespace, queued)
			if err != nil {
				return nil, errors.Join(err, s.close())
			}
			s.processes = append(s.processes, p)
		}
		return s, nil
	}}
}

func (o options) workerOptions() worker.Options {
	return worker.Options{WorkflowCacheSize: o.cache, DisableEagerActivities: o.queued}
}

// openMillrace opens a client, without a worker.
func openMillrace(ctx context.Context, g *ground, namespace string) (*millraceSystem, error) {
	nc, err := g.connect()
	if err != nil {
		return nil, err
	}
	c, err := client.DialContext(ctx, client.Options{Namespace: namespace, ConnectionOptions: client.ConnectionOptions{Conn: nc}})
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &millraceSystem{ground: g, nc: nc, client: c}, nil
}

func (s *millraceSystem) startWorker(o worker.Options) error {
	s.worker = worker.New(s.client, queue, o)
	register(s.worker)
	if err := s.worker.Start(); err != nil {
		s.worker = nil
		return errors.Join(err, s.close())
	}
	return nil
}

// stopWorker ends the worker and all that it holds in memory.
func (s *millraceSystem) stopWorker() {
	if s.worker != nil {
		s.worker.Stop()
		s.worker = nil
	}
}

func (s *millraceSystem) start(ctx context.Context, id string, workflow any, args ...any) (client.WorkflowRun, error) {
	return s.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, workflow, args...)
}

func (s *millraceSystem) do(ctx context.Context, id string, j job) error {
	var run client.WorkflowRun
	var err error
	switch {
	case j.steps > 0:
		run, err = s.start(ctx, id, sequence, j.steps, payload)
	case j.fan > 0:
		run, err = s.start(ctx, id, fanOut, j.fan, payload)
	default:
		run, err = s.start(ctx, id, collect, j.signals)
		if err == nil {
			err = each(ctx, j.signals, j.inFlight, func(ctx context.Context, _ int) error {
				return s.client.SignalWorkflow(ctx, id, run.GetRunID(), signalName, payload)
			})
		}
	}
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

func (s *millraceSystem) cpu() (sum time.Duration) {
	for _, p := range s.processes {
		sum += p.cpu()
	}
	return sum
}

func (s *millraceSystem) close() error {
	s.stopWorker()
	var err error
	for _, p := range s.processes {
		err = errors.Join(err, p.stop())
	}
	s.nc.Close()
	return err
}
