package verify

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// clockSlack is how far the clocks of clients and brokers may be apart.
const clockSlack = 2 * time.Second

// orderTimeout bounds the search for one workflow ID's order. The log settles most of it, so the search is short.
const orderTimeout = time.Minute

// order decides what of I5 clients can have seen. For each workflow ID the log tells in which order runs were started
// and closed; there must be points in time for these, and for what each client was told, in which all of it is true.
func (j *judgement) order() {
	j.report.Invariants[I5].Examined = j.report.Records
	if j.plan.NoOrder {
		j.report.Invariants[I5].Not = "the plan leaves the order out"
		return
	}
	byWorkflow := map[string][]int32{}
	for i := range j.operations {
		byWorkflow[j.operations[i].WorkflowID] = append(byWorkflow[j.operations[i].WorkflowID], int32(i))
	}
	for workflowID, operations := range byWorkflow {
		j.report.Invariants[I5].Examined++
		j.linearizable(workflowID, operations)
		j.neverBack(workflowID, operations)
	}
	for id, consumed := range j.facts.consumed {
		j.inOrder(id.WorkflowID, id.RunID, consumed)
	}
}

// prefix is the state of the model: how many steps of the workflow ID's log have happened. Step 2i starts run i, step
// 2i+1 closes it.
type prefix int

// step is the input of an operation of the model: a step of the log that happens, or a question about the prefix.
type step struct {
	happens int // -1 for a question
	holds   func(prefix) bool
}

func question(holds func(prefix) bool) step { return step{-1, holds} }

// history of runs as the model sees it.
func logModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return prefix(0) },
		Step: func(state, input, _ any) (bool, any) {
			at, s := state.(prefix), input.(step)
			if s.happens >= 0 {
				return prefix(s.happens) == at, at + 1
			}
			return s.holds(at), at
		},
	}
}

// linearizable verifies what clients were told about the runs of a workflow ID.
func (j *judgement) linearizable(workflowID string, operations []int32) {
	runs := j.chronicle.order[workflowID]
	starts := map[string]int32{} // the operations that were told of a start
	for _, i := range operations {
		if op := &j.operations[i]; op.Kind == OperationStart && op.Outcome == Acknowledged && op.RunID != "" {
			starts[op.RunID] = i
		}
	}
	var events []porcupine.Operation
	for i, r := range runs {
		started := porcupine.Operation{Input: step{happens: 2 * i}, Call: r.startedAt - clockSlack.Nanoseconds(), Return: math.MaxInt64}
		if o, ok := starts[r.RunID]; ok {
			started.Call, started.Return = j.operations[o].Begun, j.operations[o].Ended
		}
		events = append(events, started)
		if r.closed > 0 {
			events = append(events, porcupine.Operation{Input: step{happens: 2*i + 1}, Call: r.closedAt - clockSlack.Nanoseconds(), Return: math.MaxInt64})
		}
	}
	// Whoever asks after the first start was acknowledged finds a run, whatever else happens.
	certain := int64(math.MaxInt64)
	if len(runs) > 0 {
		if o, ok := starts[runs[0].RunID]; ok {
			certain = j.operations[o].Ended
		}
	}
	for _, i := range operations {
		op := &j.operations[i]
		if s, ok := seen(op, runs, certain); ok {
			events = append(events, porcupine.Operation{Input: s, Call: op.Begun, Return: op.Ended})
		}
	}
	switch porcupine.CheckOperationsTimeout(logModel(), events, orderTimeout) {
	case porcupine.Illegal:
		j.violate(I5, workflowID, "", "what clients were told of its %d runs fits no order of their starts and ends: %s", len(runs), j.told(operations))
	case porcupine.Unknown:
		j.report.Invariants[I5].Not = "the order of workflow " + workflowID + " was not found in time"
	}
}

// seen is what an answer says about the log at some moment between question and answer.
func seen(op *Operation, runs []*run, certain int64) (step, bool) {
	// current is the newest run of a prefix, open whether it is.
	current := func(p prefix) (r *run, open bool) {
		if p == 0 {
			return nil, false
		}
		return runs[(p-1)/2], p%2 == 1
	}
	someRun := func(p prefix) bool { return p > 0 }
	switch {
	case op.Outcome == Refused && op.Kind == OperationStart:
		return question(func(p prefix) bool {
			r, open := current(p)
			return r != nil && (open || op.Reuse != "" || r.successor != "") && (op.Seen == nil || op.Seen.RunID == "" || op.Seen.RunID == r.RunID)
		}), true
	case op.Outcome != Acknowledged:
		return step{}, false
	case op.Kind == OperationCompletion && op.Seen != nil:
		i := slices.IndexFunc(runs, func(r *run) bool { return r.RunID == cmp.Or(op.Seen.RunID, op.RunID) })
		if i < 0 {
			return step{}, false // it is lost, which has been said
		}
		return question(func(p prefix) bool { return int(p) >= 2*i+2 }), true
	case op.Kind == OperationDescribe && op.Seen != nil:
		return question(func(p prefix) bool {
			r, open := current(p)
			if r == nil || op.Seen.RunID != "" && op.Seen.RunID != r.RunID {
				return false
			}
			if open {
				return op.Seen.Status == statusRunning
			}
			return op.Seen.Status == r.status
		}), true
	case op.Begun > certain:
		return step{}, false
	case op.Kind == OperationSignal, op.Kind == OperationUpdate, op.Kind == OperationCancel, op.Kind == OperationTerminate:
		return question(someRun), true
	}
	return step{}, false
}

// told names the answers that may contradict each other.
func (j *judgement) told(operations []int32) string {
	const shown = 6
	text := ""
	for n, i := range operations {
		op := &j.operations[i]
		if n == shown {
			return text + " …"
		}
		if n > 0 {
			text += ", "
		}
		text += string(op.Kind) + " " + op.ID + " " + string(op.Outcome)
		if op.Seen != nil {
			text += " (run " + op.Seen.RunID + " " + op.Seen.Status + ")"
		}
	}
	return text
}

// neverBack verifies that no client saw less of a run than one whose answer had come before it asked.
func (j *judgement) neverBack(workflowID string, operations []int32) {
	var looks []*Operation
	for _, i := range operations {
		if op := &j.operations[i]; op.Kind == OperationDescribe && op.Outcome == Acknowledged && op.Seen != nil && op.Seen.LastEvent > 0 {
			looks = append(looks, op)
		}
	}
	ended := slices.SortedFunc(slices.Values(looks), func(a, b *Operation) int { return cmp.Compare(a.Ended, b.Ended) })
	slices.SortFunc(looks, func(a, b *Operation) int { return cmp.Compare(a.Begun, b.Begun) })
	most := map[string]*Operation{} // the look that saw most of each run, of those that had ended
	for _, op := range looks {
		for len(ended) > 0 && ended[0].Ended < op.Begun {
			if m := most[ended[0].Seen.RunID]; m == nil || m.Seen.LastEvent < ended[0].Seen.LastEvent {
				most[ended[0].Seen.RunID] = ended[0]
			}
			ended = ended[1:]
		}
		if m := most[op.Seen.RunID]; m != nil && m.Seen.LastEvent > op.Seen.LastEvent {
			j.violate(I5, workflowID, op.Seen.RunID, "describe %s saw event %d, and %s, which began when that had ended, saw event %d", m.ID, m.Seen.LastEvent, op.ID, op.Seen.LastEvent)
		}
	}
}

// inOrder verifies that a run consumed signals in an order in which they can have been sent: none before one whose
// acknowledgement had come before it was sent.
func (j *judgement) inOrder(workflowID, runID string, consumed []int32) {
	earliest := &Operation{Ended: math.MaxInt64} // of those that were consumed later
	for _, i := range slices.Backward(consumed) {
		op := &j.operations[i]
		if op.Begun > earliest.Ended {
			j.violate(I5, workflowID, runID, "signal %q was consumed before signal %q, which was acknowledged before it was sent", op.Message, earliest.Message)
			return
		}
		if op.Outcome == Acknowledged && op.Ended < earliest.Ended {
			earliest = op
		}
	}
}
