package verify

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"
)

// interval is when something was under way; an end of 0 is never.
type interval struct {
	begun, ended int64
	pid          int
}

// executed are the executions of one activity.
type executed struct {
	all   []onceExecuted
	local bool
	// over says that a history has its end, completed that this is a result, once that it may be executed at most once.
	over, completed, once bool
}

// onceExecuted is one execution of an activity.
type onceExecuted struct {
	interval
	attempt int32
	failed  bool
}

func (e *evidence) readExecutions() error {
	type key struct {
		file int
		n    int64
	}
	type place struct {
		of *executed
		i  int
	}
	open := map[key]place{} // begun and not ended so far
	return readAll(e.dir, "executions-*.jsonl", func(file int, x Execution) error {
		once := onceExecuted{interval{x.Begun, x.Ended, x.PID}, x.Attempt, x.Failed}
		if p, again := open[key{file, x.Number}]; again {
			p.of.all[p.i] = once
			delete(open, key{file, x.Number})
			return nil
		}
		k := activityKey{x.WorkflowID, x.RunID, x.ActivityID}
		of := e.executions[k]
		if of == nil {
			of = &executed{local: x.Local}
			e.executions[k] = of
		}
		of.all = append(of.all, once)
		if x.Ended == 0 {
			open[key{file, x.Number}] = place{of, len(of.all) - 1}
		}
		return nil
	})
}

// defaultGrace is for how long a fault may have effects after its end.
const defaultGrace = time.Minute

// window is a time in which faults had effects.
type window struct{ from, to int64 }

// windows are the times in which faults had effects, in order and apart from each other.
func (e *evidence) windows() []window {
	grace := e.plan.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	var all []window
	for i := range e.faults {
		f := &e.faults[i]
		all = append(all, window{f.Begun, max(f.Begun, f.Ended) + grace.Nanoseconds()})
	}
	slices.SortFunc(all, func(a, b window) int { return cmp.Compare(a.from, b.from) })
	var merged []window
	for _, w := range all {
		if n := len(merged); n > 0 && w.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, w.to)
		} else {
			merged = append(merged, w)
		}
	}
	return merged
}

// touches says whether a time from from to to overlaps a window.
func touches(windows []window, from, to int64) bool {
	i, _ := slices.BinarySearchFunc(windows, from, func(w window, t int64) int { return cmp.Compare(w.to, t) })
	return i < len(windows) && windows[i].from <= to
}

// executed decides I4.
func (j *judgement) executed() {
	names, err := filepath.Glob(filepath.Join(j.dir, "executions-*.jsonl"))
	if err != nil || len(names) == 0 {
		j.report.Invariants[I4].Not = "no process has written a ledger"
		return
	}
	reported := map[activityKey]bool{}
	for i := range j.operations {
		if op := &j.operations[i]; op.Kind == OperationReport {
			reported[activityKey{op.WorkflowID, op.RunID, op.Message}] = true
		}
	}
	windows := j.windows()
	extra := &j.report.Extra
	for k, x := range j.executions {
		if x.completed {
			j.report.Invariants[I4].Examined++
			j.completed(k, x, reported[k])
		}
		if n := len(x.all); n > 0 {
			j.further(k, x, windows)
		}
	}
	if extra.Activities > 0 {
		extra.Ratio = float64(extra.Executions-extra.Retried) / float64(extra.Activities)
	}
	if limit := j.plan.ExtraRatio; limit > 0 && extra.Ratio > limit {
		j.violate(I4, "", "", "%.4f executions for each activity, at most %.4f were planned", extra.Ratio, limit)
	}
}

// completed verifies that an activity with a result was executed.
func (j *judgement) completed(k activityKey, x *executed, reported bool) {
	if len(x.all) == 0 {
		j.violate(I4, k.workflowID, k.runID, "activity %s completed, no ledger shows that it was executed", k.activityID)
		return
	}
	if !reported && !slices.ContainsFunc(x.all, func(o onceExecuted) bool { return o.ended > 0 && !o.failed }) {
		j.violate(I4, k.workflowID, k.runID, "activity %s completed, no ledger shows an execution that ended without an error", k.activityID)
	}
}

// further explains the executions of an activity beyond the first: each by a failure before it, or by a fault between
// the beginning of the one before it and its own.
func (j *judgement) further(k activityKey, x *executed, windows []window) {
	extra := &j.report.Extra
	if x.local {
		extra.Local += len(x.all) - 1
		return
	}
	extra.Activities++
	extra.Executions += len(x.all)
	if len(x.all) == 1 {
		return
	}
	slices.SortFunc(x.all, func(a, b onceExecuted) int { return cmp.Compare(a.begun, b.begun) })
	if x.once {
		j.violate(I4, k.workflowID, k.runID, "activity %s may be executed once, and was executed %d times", k.activityID, len(x.all))
	}
	for i := 1; i < len(x.all); i++ {
		before, now := &x.all[i-1], &x.all[i]
		switch {
		case before.failed && before.ended <= now.begun:
			extra.Retried++
		case !touches(windows, before.begun, now.begun):
			extra.Unexplained++
			j.violate(I4, k.workflowID, k.runID, "activity %s was executed again at %d (attempt %d) after the execution at %d (attempt %d), without a failure or a fault",
				k.activityID, now.begun, now.attempt, before.begun, before.attempt)
		case before.ended == 0:
			extra.Lost++
		default:
			extra.Faulted++
		}
	}
}
