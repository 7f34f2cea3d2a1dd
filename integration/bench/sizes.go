package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// filling is how many runs are stored at a time.
const filling = 256

// besideClosed is W6 in a namespace that fills with closed runs.
func besideClosed(ctx context.Context, g *ground, r *report, name string) error {
	return sized(ctx, g, r, name, fmt.Sprintf("%d closed runs", g.closed), func(ctx context.Context, s *millraceSystem, namespace string) error {
		// The worker would look at each start that it is given: it gets its turn when they are history.
		s.stopWorker()
		if err := fillClosed(ctx, g, s, namespace); err != nil {
			return err
		}
		return s.startWorker(g.workerOptions())
	})
}

// besideIdle is W6 in a namespace that fills with open runs.
func besideIdle(ctx context.Context, g *ground, r *report, name string) error {
	return sized(ctx, g, r, name, fmt.Sprintf("%d idle runs", g.idle), func(ctx context.Context, s *millraceSystem, namespace string) error {
		o, err := observe(g, namespace)
		if err != nil {
			return err
		}
		defer o.close()
		if err := each(ctx, g.idle, 64, func(ctx context.Context, i int) error {
			_, err := s.start(ctx, fmt.Sprintf("i-%d", i), idle)
			return err
		}); err != nil {
			return err
		}
		return o.awaitRecords(ctx, g.idle)
	})
}

// sized measures W1 in a namespace that was filled and in one that was not, in turn.
func sized(ctx context.Context, g *ground, r *report, name, with string, fill func(ctx context.Context, s *millraceSystem, namespace string) error) error {
	return withWorker(ctx, g, func(empty *millraceSystem, _ string) error {
		return withWorker(ctx, g, func(full *millraceSystem, namespace string) error {
			both := []*millraceSystem{empty, full}
			warm := func(prefix string) error {
				for _, s := range both {
					if _, err := drive(ctx, s, job{steps: 1}, 64, g.duration/2, prefix); err != nil {
						return err
					}
				}
				return nil
			}
			if err := warm("first"); err != nil {
				return err
			}
			begun := time.Now()
			if err := fill(ctx, full, namespace); err != nil {
				return fmt.Errorf("fill the namespace with %s: %w", with, err)
			}
			took := time.Since(begun)
			if err := warm("warm"); err != nil {
				return err
			}
			var costs [2][]float64
			for round := range g.rounds {
				for turn := range both {
					i := (round + turn) % 2
					cost, err := runCost(ctx, g, both[i], fmt.Sprintf("run-%d", round))
					if err != nil {
						return err
					}
					costs[i] = append(costs[i], cost)
				}
			}
			growth := make([]float64, g.rounds)
			for round := range growth {
				growth[round] = quotient(costs[1][round], costs[0][round])
			}
			s := summarizeValues(growth)
			r.note("%s: CPU ms of a run, 64 at a time: %v in an empty namespace, %v beside %s: %v times (filled in %v, heap %d MB, disk %d MB)", name,
				summarizeValues(costs[0]), summarizeValues(costs[1]), with, s, took.Round(time.Second), heap()>>20, g.disk(namespace)>>20)
			r.most(name+": CPU of a run beside "+with+" to one in an empty namespace", s.median, 1.15)
			return nil
		})
	})
}

// withWorker opens Millrace with a worker in a namespace of its own, whose name f is told.
func withWorker(ctx context.Context, g *ground, f func(s *millraceSystem, namespace string) error) error {
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		return err
	}
	defer remove()
	s, err := openMillrace(ctx, g, namespace)
	if err != nil {
		return err
	}
	if err := s.startWorker(g.workerOptions()); err != nil {
		return err
	}
	return errors.Join(f(s, namespace), s.close())
}

// runCost is the CPU time in ms of a run of one activity.
func runCost(ctx context.Context, g *ground, s *millraceSystem, prefix string) (float64, error) {
	runtime.GC()
	before := cpuTime()
	latencies, err := drive(ctx, s, job{steps: 1}, 64, g.duration, prefix)
	if err != nil {
		return 0, err
	}
	return ms(cpuTime()-before) / float64(len(latencies)), nil
}

// fillClosed stores copies of a run that has closed: the same start and records under other IDs. That they have been
// worked off it sees to itself, by acknowledging their starts.
func fillClosed(ctx context.Context, g *ground, s *millraceSystem, namespace string) error {
	n, err := streams.Open(ctx, s.nc, namespace)
	if err != nil {
		return err
	}
	const sample = "first-1"
	start, err := n.LastStart(ctx, sample)
	if err != nil {
		return err
	}
	run, err := streams.ReadRun(ctx, n, start)
	if err != nil {
		return err
	}
	if err := each(ctx, g.closed, filling, func(ctx context.Context, i int) error {
		return storeCopy(ctx, n, run, history.Run{WorkflowID: fmt.Sprintf("closed-%d", i), RunID: uuid.Must(uuid.NewV7()).String()})
	}); err != nil {
		return err
	}
	if err := acknowledgeStarts(ctx, g, s, namespace); err != nil {
		return err
	}
	// What was stored is a run like any other.
	return s.client.GetWorkflow(ctx, fmt.Sprintf("closed-%d", g.closed-1), "").Get(ctx, nil)
}

func storeCopy(ctx context.Context, n *streams.Namespace, of *streams.StoredRun, as history.Run) error {
	start := *of.Start
	start.Run.Run = as
	if _, err := streams.StartRun(ctx, n, streams.StartRequest{Start: &start}); err != nil {
		return err
	}
	var last uint64
	for i, original := range of.Transitions {
		t := *original
		t.RunID, t.CommitID, t.Previous = as.RunID, uuid.NewString(), last
		data, err := history.Encode(&t)
		if err != nil {
			return err
		}
		info := of.Loaded.Records[i].RecordInfo
		info.CommitID, info.Previous = t.CommitID, last
		if last, err = n.Append(ctx, as, data, info, last); err != nil {
			return err
		}
	}
	return nil
}

// acknowledgeStarts takes what waits on the starts' lane in the place of a worker.
func acknowledgeStarts(ctx context.Context, g *ground, s *millraceSystem, namespace string) error {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	for p := range g.partitions {
		stream, err := js.Stream(ctx, fmt.Sprintf("MILLRACE_%s_%d_HISTORY", namespace, p))
		if err != nil {
			return err
		}
		for info := range stream.ListConsumers(ctx).Info() {
			if !strings.Contains(info.Config.FilterSubject, ".start.") {
				continue
			}
			consumer, err := stream.Consumer(ctx, info.Name)
			if err != nil {
				return err
			}
			for left := info.NumPending; left > 0; {
				batch, err := consumer.Fetch(int(min(left, 1000)))
				if err != nil {
					return err
				}
				for m := range batch.Messages() {
					left--
					if err := m.Ack(); err != nil {
						return err
					}
				}
				if err := batch.Error(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
