package verify

// progress decides I3.
func (j *judgement) progress() {
	for workflowID, x := range j.expectations {
		j.report.Invariants[I3].Examined++
		j.expected(workflowID, x)
	}
	for workflowID, runs := range j.chronicle.order {
		last := runs[len(runs)-1]
		x, named := j.expectation(workflowID)
		if _, exact := j.expectations[workflowID]; !exact {
			j.report.Invariants[I3].Examined++
			if named {
				j.expected(workflowID, x)
			} else if last.closed == 0 {
				j.violate(I3, workflowID, last.RunID, "it is open after %d records", last.records)
			}
		}
		if last.successor != "" && last.closed > 0 {
			j.violate(I3, workflowID, last.successor, "this run, which takes over from run %s, was not started", last.RunID)
		}
	}
	for i := range j.streams {
		j.consumers(&j.streams[i])
	}
}

// expected compares the last run of a workflow ID with what is expected of it.
func (j *judgement) expected(workflowID string, x Expectation) {
	runs := j.chronicle.order[workflowID]
	if len(runs) == 0 {
		if !x.Absent {
			j.violate(I3, workflowID, "", "it has no run")
		}
		return
	}
	last := runs[len(runs)-1]
	switch {
	case last.closed == 0 && x.Status != statusRunning:
		j.violate(I3, workflowID, last.RunID, "it is open after %d records, expected %s", last.records, x.Status)
	case x.Status != "" && x.Status != last.status:
		j.violate(I3, workflowID, last.RunID, "it is %s, expected %s", last.status, x.Status)
	case x.Result != nil && last.closed > 0 && digest(*x.Result) != last.result:
		j.violate(I3, workflowID, last.RunID, "its result is %q, expected %q", last.result, digest(*x.Result))
	}
	if x.Signals > 0 && j.facts.signals[workflowID] != x.Signals {
		j.violate(I3, workflowID, "", "its runs received %d signals, expected %d", j.facts.signals[workflowID], x.Signals)
	}
}

// consumers verifies that nothing is on its way to a consumer. What waits in queues has been noted one by one; a
// consumer may also hold back what it does not have to: then it is stuck.
func (j *judgement) consumers(s *Stream) {
	switch s.kind() {
	case kindHistory, kindInbox, kindIntake:
	case kindTasks:
		if s.Messages > 0 {
			return
		}
	default:
		return
	}
	for _, c := range s.Consumers {
		if c.Pending > 0 || c.AckPending > 0 {
			j.violate(I3, "", "", "consumer %s of stream %s has %d messages to deliver and waits for %d acknowledgements", c.Name, s.Name, c.Pending, c.AckPending)
		}
	}
}
