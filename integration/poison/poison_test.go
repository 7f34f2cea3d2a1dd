package poison

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func chosen(name string) bool { return regexp.MustCompile(*only).MatchString(name) }

// kind is one kind of poison. give brings it to a site and returns, when it has been put away, the reason that is shown.
type kind struct {
	name string
	give func(s *site) (reason string)
	// redeploys says that workers are replaced.
	redeploys bool
	// bound is for poison that is known to slow others, and by how much at most.
	bound time.Duration
	// long is for poison that takes so long that its p99 is of many healthy runs: it is given once, after a rest that has
	// about as many.
	long bool
}

// patience is how long a poison may take until it is put away that ends no process.
const patience = 15 * time.Second

const (
	// floodRate is how many signals a second are a flood that leaves half of the processor alive.
	floodRate = 1500
	// floodBound is for signals that come as fast as the server takes them, which leaves nobody any processor.
	floodBound = 2 * time.Second
)

// harmless leave the process and half of the processor alive.
func harmless() []kind {
	signals, unserved, bound := 3000, 100, floodBound
	if *full {
		signals, unserved = 100_000, 1000
	}
	fails := func(name, activity, reason string) kind {
		return kind{name: name, give: func(s *site) string { return s.fails(s.start("calls", activity), reason, patience) }}
	}
	return []kind{
		{name: "panic in a workflow", give: func(s *site) string { return s.stuck(s.start("panics"), "boom in a workflow", patience) }},
		fails("panic in an activity", "panic", "boom in an activity"),
		fails("unencodable result", "unencodable", "encode the result of activity unencodable"),
		fails("error of 5 MB", "wordy", "word word"),
		{name: "result of 10 MB", give: tenMegabytes},
		{name: "goroutine leak", give: func(s *site) string { return s.completes(s.start("calls", "leak")) }},
		{name: "query that panics", give: func(s *site) string { return panickingQuery(s) }},
		{name: "update validator that panics", give: func(s *site) string { return panickingValidator(s) }},
		{name: fmt.Sprintf("queue without workers, %d runs", unserved), give: func(s *site) string { return s.unserved(unserved) }},
		{name: fmt.Sprintf("flood of %d signals, %d a second", signals, floodRate), long: true,
			give: func(s *site) string { return s.flood(signals, floodRate) }},
		{name: fmt.Sprintf("flood of %d signals, as fast as it goes", signals), bound: bound, long: true,
			give: func(s *site) string { return s.flood(signals, 0) }},
		{name: "code change that does not fit the history", give: changedCode, redeploys: true},
	}
}

func (s *site) completes(run client.WorkflowRun) string {
	s.Helper()
	s.must(run.Get(s.ctx, nil))
	return "completes"
}

// tenMegabytes is stored apart, or refused by name.
func tenMegabytes(s *site) string {
	run := s.start("calls", "large")
	var out string
	if err := run.Get(s.ctx, &out); err != nil {
		if !contains(err.Error(), "the limit is") {
			s.Fatalf("10 MB: %.300v", err)
		}
		return err.Error()
	}
	if len(out) != 10<<20 {
		s.Fatalf("of 10 MB came %d bytes", len(out))
	}
	return "completes"
}

func panickingQuery(s *site) string {
	run := s.start("asked")
	_, err := s.client.QueryWorkflow(s.ctx, run.GetID(), run.GetRunID(), "q")
	if err == nil || !contains(err.Error(), "boom in a query") {
		s.Fatalf("the query is answered with %v", err)
	}
	s.must(s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "end", nil))
	s.must(run.Get(s.ctx, nil))
	return err.Error()
}

func panickingValidator(s *site) string {
	run := s.start("asked")
	h, err := s.client.UpdateWorkflow(s.ctx, client.UpdateWorkflowOptions{WorkflowID: run.GetID(), RunID: run.GetRunID(), UpdateName: "u",
		WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = h.Get(s.ctx, nil)
	}
	if err == nil || !contains(err.Error(), "boom in a validator") {
		s.Fatalf("the update is answered with %v", err)
	}
	s.must(s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "end", nil))
	s.must(run.Get(s.ctx, nil))
	return err.Error()
}

// unserved starts runs on a queue that nobody serves, and lets them lie.
func (s *site) unserved(runs int) string {
	var last client.WorkflowRun
	for range runs {
		var err error
		last, err = s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{TaskQueue: "nobody"}, "healthy")
		s.must(err)
	}
	d, err := s.client.DescribeWorkflow(s.ctx, last.GetID(), last.GetRunID())
	s.must(err)
	return fmt.Sprintf("they wait: %v on task queue %s", d.Status, d.TaskQueueName)
}

// flood sends signals to one run, so many a second or as fast as a few senders can, and has it count them.
func (s *site) flood(signals, rate int) string {
	s.Helper()
	run := s.start("flooded")
	const senders = 8
	begun := time.Now()
	var group sync.WaitGroup
	for k := range senders {
		group.Go(func() {
			for i := k; i < signals; i += senders {
				if rate > 0 {
					sleep(time.Until(begun.Add(time.Duration(i) * time.Second / time.Duration(rate))))
				}
				if err := s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "drop", i); err != nil {
					s.Errorf("signal %d: %v", i, err)
					return
				}
			}
		})
	}
	group.Wait()
	sent := time.Since(begun)
	s.must(s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "end", signals))
	var got int
	s.must(run.Get(s.ctx, &got))
	if got != signals {
		s.Fatalf("%d of %d signals arrived", got, signals)
	}
	return fmt.Sprintf("completes with all %d, %.0f a second", got, float64(got)/sent.Seconds())
}

// changedCode deploys code that does not fit a run's history, and the old code again.
func changedCode(s *site) string {
	run := s.start("changing")
	s.until("activity", patience, func() bool {
		d, err := s.client.DescribeWorkflow(s.ctx, run.GetID(), run.GetRunID())
		return err == nil && d.HistoryLength >= 3
	})
	s.redeploy("sleeps")
	s.must(s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "end", nil))
	var shown string
	s.until("reason", patience, func() bool {
		d, err := s.client.DescribeWorkflow(s.ctx, run.GetID(), run.GetRunID())
		if err != nil {
			return false
		}
		shown = d.Stuck
		return contains(shown, "event 2")
	})
	s.redeploy("")
	var out string
	s.must(run.Get(s.ctx, &out))
	return shown
}

// TestPoisonThatLeavesTheProcessSlowsNobody: for each kind the healthy runs beside it take at most twice as long as before.
func TestPoisonThatLeavesTheProcessSlowsNobody(t *testing.T) {
	s := newSite(t)
	// What other programs do to a busy machine is not the poison's fault: without -poison.strict small times are not
	// compared, and each kind is given several times.
	calm, floor, rounds := 500*time.Millisecond, time.Second, 1
	if *full {
		calm, floor, rounds = 3*time.Second, 50*time.Millisecond, 5
	}
	if *strict {
		floor = 0
	}
	s.until("healthy runs", patience, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.runs) > 20 && !s.runs[20].ended.IsZero()
	})
	for _, k := range harmless() {
		if !chosen(k.name) {
			continue
		}
		before, beside := s.compare(k, calm, rounds)
		if !k.redeploys && beside > max(2*before, floor, k.bound) { // to redeploy has its price, whatever is deployed
			t.Errorf("%s: p99 of healthy runs is %v, before it was %v", k.name, beside, before)
		}
	}
}

// compare gives poison and returns the p99 of healthy runs before it and beside it, medians of some rounds.
func (s *site) compare(k kind, calm time.Duration, rounds int) (before, beside time.Duration) {
	s.Helper()
	rest := calm
	if k.long && *full {
		rest, rounds = 20*time.Second, 1
	}
	var befores, besides []time.Duration
	for range rounds {
		quiet := time.Now()
		sleep(rest)
		befores = append(befores, s.measure(quiet))
		deaths := s.died(time.Time{})
		begun := time.Now()
		reason := k.give(s)
		took := time.Since(begun)
		sleep(calm)
		besides = append(besides, s.measure(begun))
		s.Logf("%-45s put away in %6s; p99 %6s, before %6s: %.100s", k.name, took.Round(time.Millisecond),
			besides[len(besides)-1].Round(time.Millisecond), befores[len(befores)-1].Round(time.Millisecond), reason)
		if ended := s.died(time.Time{}) - deaths; ended > 0 && !k.redeploys {
			s.Errorf("%s: %d processes ended", k.name, ended)
		}
	}
	slices.Sort(befores)
	slices.Sort(besides)
	return befores[rounds/2], besides[rounds/2]
}

// sleep lets time pass, and healthy runs happen, which is all there is to wait for.
func sleep(d time.Duration) { <-time.After(d) }

// resumeBound is how long a healthy run may take after its start or the last death of a process: AckWait and 5 s.
const resumeBound = 10 * time.Second

// TestPoisonThatTakesTheProcessIsPutAway after four processes at most, and healthy runs go on.
func TestPoisonThatTakesTheProcessIsPutAway(t *testing.T) {
	deadly := func(name, workflow, activity, reason string) kind {
		return kind{name: name, give: func(s *site) string {
			if activity != "" {
				return s.fails(s.start(workflow, activity), reason, time.Minute)
			}
			return s.stuck(s.start(workflow), reason, time.Minute)
		}}
	}
	kinds := []kind{
		deadly("os.Exit in a workflow", "exits", "", "ended 4 processes"),
		deadly("panic in a goroutine of an activity's own", "calls", "strayPanic", "worker lost"),
		deadly("endless loop in a workflow", "loops", "", "without a call of package workflow"),
	}
	if *full {
		kinds = append(kinds,
			deadly("os.Exit in an activity", "calls", "exit", "worker lost"),
			kind{name: "os.Exit in a local activity", give: func(s *site) string { return s.stuck(s.start("callsLocal", "exit"), "ended 4 processes", time.Minute) }},
			deadly("out of memory in a workflow", "greedy", "", "ended 4 processes"),
			deadly("out of memory in an activity", "calls", "greed", "worker lost"),
			deadly("endless loop in an activity", "calls", "loop", "timeout"))
	}
	for _, k := range kinds {
		if !chosen(k.name) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			if !*full {
				t.Parallel()
			}
			s := newSite(t)
			begun := time.Now()
			sleep(500 * time.Millisecond)
			reason := k.give(s)
			took := time.Since(begun)
			deaths := s.died(begun)
			sleep(500 * time.Millisecond)
			longest, runs := s.resumed(begun)
			t.Logf("%s: %d processes ended, put away in %v, %d healthy runs beside it, which resumed within %v: %.160s", k.name, deaths,
				took.Round(time.Millisecond), runs, longest.Round(time.Millisecond), reason)
			if deaths > 4 {
				t.Errorf("%d processes ended, want 4 at most", deaths)
			}
			if longest > resumeBound {
				t.Errorf("a healthy run resumed after %v", longest)
			}
		})
	}
}
