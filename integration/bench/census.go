package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// census is the part of W12 that counts: it listens to what four worker processes ask of the broker while runs go
// through them. Listening costs, so nothing is timed.
func census(ctx context.Context, g *ground, r *report, name string) error {
	for _, form := range []struct {
		name   string
		queued bool
	}{{"as it comes", false}, {"by the queue", true}} {
		if err := censusOf(ctx, g, r, name+", "+form.name, form.queued); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
	}
	return nil
}

func censusOf(ctx context.Context, g *ground, r *report, name string, queued bool) error {
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		return err
	}
	defer remove()
	nc, err := g.connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	var attempts, reads, loads atomic.Int64
	listen := func(subject string, count func(m *nats.Msg)) error {
		sub, err := nc.Subscribe(subject, count)
		if err != nil {
			return err
		}
		return sub.SetPendingLimits(-1, -1)
	}
	// Every try to append is published, and only the successful ones are stored.
	if err := listen("millrace."+namespace+".*.run.*.*.history", func(*nats.Msg) { attempts.Add(1) }); err != nil {
		return err
	}
	// Who loads a run looks for its start first. The broker is asked directly or through the stream's leader.
	for _, subject := range []string{"$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.>"} {
		if err := listen(subject, func(m *nats.Msg) {
			if strings.Contains(m.Subject, "_"+namespace+"_") {
				reads.Add(1)
				if bytes.Contains(m.Data, []byte(".start.")) || strings.Contains(m.Subject, ".start.") {
					loads.Add(1)
				}
			}
		}); err != nil {
			return err
		}
	}
	o, err := observe(g, namespace)
	if err != nil {
		return err
	}
	defer o.close()
	sys, err := processes(4, queued).open(ctx, g, namespace)
	if err != nil {
		return err
	}
	latencies, err := drive(ctx, sys, job{steps: 1}, 64, g.duration, "run")
	if err == nil {
		err = o.awaitClosed(ctx, len(latencies))
	}
	if e := sys.close(); err == nil {
		err = e
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return err
	}
	if attempts.Load() == 0 || reads.Load() == 0 {
		return fmt.Errorf("saw %d appends and %d reads: the broker is asked in a way that this does not know", attempts.Load(), reads.Load())
	}
	stored, runs := int64(o.count()), int64(len(latencies))
	conflicts := attempts.Load() - stored
	// A run that was just started is not looked for; its other transitions are those that a cache can help.
	hits := 1 - quotient(float64(loads.Load()), float64(stored-runs))
	r.note("%s: %d transitions of %d runs: %.2f conflicts per 1,000, cache hit rate %.2f", name, stored, runs,
		1000*quotient(float64(conflicts), float64(stored)), hits)
	r.most(fmt.Sprintf("%s: conflicts per transition", name), quotient(float64(conflicts), float64(stored)), 0.01)
	return nil
}
