package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/examples/training/journal"
)

const (
	// victimPoll is how often the killer looks for a victim with work in flight, victimTimeout how long.
	victimPoll    = 2 * time.Millisecond
	victimTimeout = 30 * time.Second
	// minPause and maxPause bound the time between two kills.
	minPause = 500 * time.Millisecond
	maxPause = 2000 * time.Millisecond
)

// kills is what the killer has done. Only kills with an activity in flight count.
type kills struct {
	workers, servers int
	// idle counts kills that turned out to have hit nothing: what was in flight ended in the last moment.
	idle int
}

func (k kills) total() int { return k.workers + k.servers }

// killer kills processes of a fleet at random moments.
type killer struct {
	fleet  *fleet
	random *rand.Rand
	note   func(line string)
	done   kills
}

// run makes the planned kills, in random order, and starts a successor for every victim. It returns early when ctx ends.
func (k *killer) run(ctx context.Context, workers, servers int) error {
	for k.done.workers < workers || k.done.servers < servers {
		if err := sleep(ctx, minPause+time.Duration(k.random.Int64N(int64(maxPause-minPause)))); err != nil {
			return err
		}
		if name := k.fleet.ended(); name != "" {
			return fmt.Errorf("%s ended by itself, see %s", name, k.fleet.dir.logs())
		}
		// Every kill that is still to be made is as likely as any other to be the next.
		left := workers - k.done.workers + servers - k.done.servers
		var err error
		if k.random.IntN(left) < servers-k.done.servers {
			err = k.killServer(ctx)
		} else {
			err = k.killWorker(ctx, k.random.IntN(len(k.fleet.workers)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// killWorker kills a worker that has an activity in flight. The proof is its journal after its death: what began there
// and did not end will never end.
func (k *killer) killWorker(ctx context.Context, slot int) error {
	victim := k.fleet.workers[slot]
	if _, err := k.awaitInFlight(ctx, []int{slot}); err != nil {
		return err
	}
	if err := victim.kill(); err != nil {
		return err
	}
	lost, err := k.fleet.inFlight(slot)
	if err != nil {
		return err
	}
	if len(lost) == 0 {
		k.done.idle++
	} else {
		k.done.workers++
		k.note(fmt.Sprintf("kill %d: %s (process %d) during %s", k.done.total(), victim.name, victim.cmd.Process.Pid, describe(lost)))
	}
	return k.fleet.startWorker(ctx, slot)
}

// killServer kills the server while a worker has an activity in flight. The proof is that the same execution is in
// flight before the kill and after the server's death.
func (k *killer) killServer(ctx context.Context) error {
	slots := make([]int, len(k.fleet.workers))
	for i := range slots {
		slots[i] = i
	}
	before, err := k.awaitInFlight(ctx, slots)
	if err != nil {
		return err
	}
	victim := k.fleet.server
	if err := victim.kill(); err != nil {
		return err
	}
	var during []journal.Execution
	for _, slot := range slots {
		after, err := k.fleet.inFlight(slot)
		if err != nil {
			return err
		}
		for _, e := range after {
			if before[e] {
				during = append(during, e)
			}
		}
	}
	if len(during) == 0 {
		k.done.idle++
	} else {
		k.done.servers++
		k.note(fmt.Sprintf("kill %d: the server (process %d) during %s", k.done.total(), victim.cmd.Process.Pid, describe(during)))
	}
	return k.fleet.startServer(ctx)
}

// awaitInFlight waits until one of the workers has an activity in flight and returns all that have begun and not ended.
func (k *killer) awaitInFlight(ctx context.Context, slots []int) (map[journal.Execution]bool, error) {
	deadline := time.Now().Add(victimTimeout)
	for time.Now().Before(deadline) {
		running := map[journal.Execution]bool{}
		for _, slot := range slots {
			executions, err := k.fleet.inFlight(slot)
			if err != nil {
				return nil, err
			}
			for _, e := range executions {
				running[e] = true
			}
		}
		if len(running) > 0 {
			return running, nil
		}
		if err := sleep(ctx, victimPoll); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no activity in flight within %s", victimTimeout)
}

func describe(executions []journal.Execution) string {
	names := make([]string, len(executions))
	for i, e := range executions {
		names[i] = fmt.Sprintf("%s of %s, attempt %d", e.Activity, e.WorkflowID, e.Attempt)
	}
	return strings.Join(names, "; ")
}

// sleep waits for d or for the end of ctx, whose cause it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
