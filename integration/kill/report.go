package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"
)

// report is what happened and what was found.
type report struct {
	o     options
	dir   string
	began time.Time
	took  time.Duration

	runs               []*expectation
	retried, ambiguous int64
	kills              kills
	// crashed says which processes ended although nobody killed them.
	crashed        error
	openAtLastKill int
	// lastResult and drained are how long after the last kill the last result came and the streams were empty; drained
	// is 0 when they never were.
	lastResult, drained time.Duration

	observed    *observation
	redelivered map[string]uint64
	violations  []violation
}

// violated are the workflow IDs of violations.
func (r *report) violated() []string {
	var ids []string
	for _, v := range r.violations {
		if v.WorkflowID != "" {
			ids = append(ids, v.WorkflowID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// verdict is nil when all is well.
func (r *report) verdict() error {
	var errs []error
	if r.crashed != nil {
		errs = append(errs, r.crashed)
	}
	if n := len(r.violations); n > 0 {
		errs = append(errs, fmt.Errorf("%w: %d, of %d runs", errViolated, n, len(r.violated())))
	}
	if r.kills.WorkersHit < r.o.workerKills || r.kills.ServersHit < r.o.serverKills {
		errs = append(errs, errVoid)
	}
	return errors.Join(errs...)
}

// shownViolations bounds what is written to the terminal; the file has them all.
const shownViolations = 20

func (r *report) write(out io.Writer) {
	x, events, records := r.observed.Executions, 0, 0
	for _, lane := range r.observed.Lanes {
		records += len(lane)
		for _, s := range lane {
			if s.Err == nil {
				events += len(s.Transition.Events)
			}
		}
	}
	sequences := min(r.o.sequences, len(r.runs))
	rounded := func(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
	fmt.Fprintf(out, "runs               %d of one activity, %d of %d activities one after another\n", len(r.runs)-sequences, sequences, r.o.steps)
	fmt.Fprintf(out, "duration           %v with start, kills and verification\n", rounded(r.took))
	fmt.Fprintf(out, "worker kills       %d, %d of them with an activity in flight\n", r.kills.Workers, r.kills.WorkersHit)
	fmt.Fprintf(out, "server kills       %d, %d of them with requests or activities in flight\n", r.kills.Servers, r.kills.ServersHit)
	fmt.Fprintf(out, "requests repeated  %d, %d of them starts that had been stored\n", r.retried, r.ambiguous)
	fmt.Fprintf(out, "after last kill    %d runs open, last result after %v, streams empty after %v\n", r.openAtLastKill, rounded(r.lastResult), rounded(r.drained))
	fmt.Fprintf(out, "history            %d records, %d events\n", records, events)
	fmt.Fprintf(out, "activities         %d executed %d times: %d extra executions, ratio %.4f; %d executions were attempts after the first\n",
		x.Distinct, x.Began, x.extra(), float64(x.Began)/float64(max(x.Distinct, 1)), x.Redelivered)
	fmt.Fprintf(out, "redeliveries       %d starts, %d inbox messages, %d tasks\n", r.redelivered["HISTORY"], r.redelivered["INBOX"], r.redelivered["TASKS"])
	if len(r.violations) == 0 {
		fmt.Fprintln(out, "violations         none")
		return
	}
	fmt.Fprintf(out, "violations         %d\n", len(r.violations))
	for i, v := range r.violations {
		if i == shownViolations {
			fmt.Fprintf(out, "  and %d more\n", len(r.violations)-i)
			break
		}
		fmt.Fprintf(out, "  %s\n", v)
	}
	fmt.Fprintf(out, "All of them, with the runs' records and the consumers: %s\n", filepath.Join(r.dir, "violations.txt"))
	fmt.Fprintf(out, "To look at a run, serve the data with `millrace dev --data-dir %s` and ask `millrace workflow show ID`.\n", filepath.Join(r.dir, "server"))
}
