package verify

// loss decides I1, and what became of operations without an answer.
func (j *judgement) loss() {
	told := map[string]map[string]bool{} // the runs of which clients were told, by workflow ID
	for i := range j.operations {
		op := &j.operations[i]
		j.count(op, j.tookEffect(i))
		if op.Kind == OperationStart && op.Outcome == Acknowledged {
			if told[op.WorkflowID] == nil {
				told[op.WorkflowID] = map[string]bool{}
			}
			told[op.WorkflowID][op.RunID] = true
		}
		if op.Outcome == Acknowledged {
			j.report.Invariants[I1].Examined++
			j.acknowledged(i)
		}
	}
	j.unknownStarts(told)
}

func (j *judgement) count(op *Operation, stored bool) {
	c := j.report.Operations[op.Kind]
	switch op.Outcome {
	case Acknowledged:
		c.Acknowledged++
	case Refused:
		c.Refused++
	default:
		c.Unknown++
		if stored {
			c.Stored++
		}
	}
	j.report.Operations[op.Kind] = c
}

// tookEffect says whether a message that an operation sent is somewhere.
func (j *judgement) tookEffect(i int) bool {
	f := &j.facts.fates[i]
	return f.times > 0 || f.waiting || f.dead
}

// lost notes that operation i was acknowledged and is nowhere.
func (j *judgement) lost(op *Operation, format string, args ...any) {
	j.violate(I1, op.WorkflowID, op.RunID, "acknowledged "+string(op.Kind)+" "+op.ID+": "+format, args...)
}

func (j *judgement) acknowledged(i int) {
	op := &j.operations[i]
	switch op.Kind {
	case OperationStart:
		j.startStored(op)
	case OperationSignal:
		if !j.tookEffect(i) {
			j.lost(op, "signal %q is in no history, and no dead letter", op.Message)
		}
	case OperationUpdate:
		j.updateStored(i)
	case OperationCompletion:
		j.completionStored(op)
	case OperationCancel:
		if !j.anyRun(op, func(r *run) bool { return r.canceled || r.closedAt > op.Begun }) {
			j.lost(op, "no run received it")
		}
	case OperationTerminate:
		if !j.anyRun(op, func(r *run) bool { return r.closed > 0 }) {
			j.lost(op, "no run of it is closed")
		}
	case OperationReport:
		x := j.executions[activityKey{op.WorkflowID, op.RunID, op.Message}]
		r := j.run(op.WorkflowID, op.RunID)
		if (x == nil || !x.over) && (r == nil || r.closed == 0) {
			j.lost(op, "activity %q has not ended", op.Message)
		}
	}
}

func (j *judgement) startStored(op *Operation) {
	switch {
	case op.RunID == "" && (len(j.chronicle.order[op.WorkflowID]) > 0 || j.facts.letters[op.WorkflowID] > 0):
	case op.RunID == "":
		j.lost(op, "no run is stored, and no dead letter")
	case j.run(op.WorkflowID, op.RunID) == nil:
		j.lost(op, "the run is not stored")
	}
}

func (j *judgement) updateStored(i int) {
	op, f := &j.operations[i], &j.facts.fates[i]
	switch {
	case f.times == 0:
		j.lost(op, "update %q is in no history", op.Message)
	case op.Seen != nil && op.Seen.Result != "" && !f.completed:
		j.lost(op, "update %q has no outcome, its client was told of %s", op.Message, digest(op.Seen.Result))
	case op.Seen != nil && op.Seen.Result != "" && f.result != digest(op.Seen.Result):
		j.violate(I5, op.WorkflowID, op.RunID, "the result of update %q is %s, its client was told of %s", op.Message, f.result, digest(op.Seen.Result))
	}
}

// run finds a run, nil if it is not stored.
func (j *judgement) run(workflowID, runID string) *run {
	for _, r := range j.chronicle.order[workflowID] {
		if r.RunID == runID {
			return r
		}
	}
	return nil
}

// anyRun says whether any run of the operation's workflow ID is as holds says.
func (j *judgement) anyRun(op *Operation, holds func(*run) bool) bool {
	for _, r := range j.chronicle.order[op.WorkflowID] {
		if holds(r) {
			return true
		}
	}
	return false
}

// ended is the run whose end a client was told of: the last of the chain, unless it was told of a run.
func (j *judgement) ended(op *Operation) *run {
	if op.Seen != nil && op.Seen.RunID != "" {
		return j.run(op.WorkflowID, op.Seen.RunID)
	}
	r := j.run(op.WorkflowID, op.RunID)
	for r != nil && r.successor != "" {
		r = j.run(op.WorkflowID, r.successor)
	}
	return r
}

func (j *judgement) completionStored(op *Operation) {
	r := j.ended(op)
	switch {
	case r == nil:
		j.lost(op, "the run is not stored")
	case r.closed == 0:
		j.lost(op, "the run is open")
	case op.Seen == nil:
	case op.Seen.Status != "" && op.Seen.Status != r.status:
		j.violate(I5, op.WorkflowID, r.RunID, "completion %s: the run is %s, its client was told %s", op.ID, r.status, op.Seen.Status)
	case r.status == "Completed" && digest(op.Seen.Result) != r.result:
		j.violate(I5, op.WorkflowID, r.RunID, "completion %s: the result is %q, its client was told %q", op.ID, r.result, digest(op.Seen.Result))
	}
}

// unknownStarts attributes runs of which no client was told to starts that were never answered. What remains was
// started by nobody.
func (j *judgement) unknownStarts(told map[string]map[string]bool) {
	unknown, asked := map[string]int{}, false
	for i := range j.operations {
		if op := &j.operations[i]; op.Kind == OperationStart {
			asked = true
			if op.Outcome != Acknowledged && op.Outcome != Refused || op.RunID == "" && op.Outcome == Acknowledged {
				unknown[op.WorkflowID]++
			}
		}
	}
	if !asked {
		return
	}
	c := j.report.Operations[OperationStart]
	for workflowID, runs := range j.chronicle.order {
		for _, r := range runs {
			switch {
			case !r.root || told[workflowID][r.RunID]:
			case unknown[workflowID] > 0:
				unknown[workflowID]--
				c.Stored++
			default:
				if _, expected := j.expectation(workflowID); !expected || told[workflowID] != nil {
					j.violate(I2, workflowID, r.RunID, "no client has started this run")
				}
			}
		}
	}
	c.Stored = min(c.Stored, c.Unknown)
	j.report.Operations[OperationStart] = c
}

// doubles decides what of I2 does not show in one run alone.
func (j *judgement) doubles() {
	j.report.Invariants[I2].Examined = j.report.Records
	for i := range j.operations {
		op, f := &j.operations[i], &j.facts.fates[i]
		switch {
		case f.times > 1:
			j.violate(I2, op.WorkflowID, op.RunID, "%s %q is in histories %d times", op.Kind, op.Message, f.times)
		case f.times > 0 && op.Outcome == Refused:
			j.violate(I5, op.WorkflowID, op.RunID, "%s %q was refused and is in a history", op.Kind, op.Message)
		}
	}
}
