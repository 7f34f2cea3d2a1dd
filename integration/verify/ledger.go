package verify

// interval is when something was under way; an end of 0 is never.
type interval struct {
	begun, ended int64
	pid          int
}

// executed are the executions of one activity.
type executed struct {
	all   []onceExecuted
	local bool
	// completed says that a history has the activity's result, once that it may be executed at most once.
	completed, once bool
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
