package verify

import (
	"encoding/json"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// facts are what histories, inboxes and dead letters say of the operations and the executions.
type facts struct {
	e       *evidence
	options Options
	outside *outside
	// messages finds the operation that sent a signal or an update; of its outcome follow these.
	messages map[messageKey]int32
	fates    []fate
	// consumed are, for each run, the signals of operations in the order in which the run consumed them.
	consumed map[history.Run][]int32
	// signals counts the signals that the runs of a workflow ID have received.
	signals map[string]int
	// letters counts the dead letters of each workflow ID.
	letters map[string]int
}

type messageKey struct {
	kind                OperationKind
	workflowID, message string
}

// fate is what became of a signal or an update.
type fate struct {
	// times counts how often it is in histories; updates count when they were accepted.
	times uint16
	// waiting says that it is in an inbox or in the intake, dead that it is a dead letter.
	waiting, dead bool
	// completed says that an update has an outcome, result that outcome.
	completed bool
	result    string
}

func newFacts(e *evidence, o Options, stored *outside) *facts {
	f := &facts{e: e, options: o, outside: stored, messages: map[messageKey]int32{}, fates: make([]fate, len(e.operations)),
		consumed: map[history.Run][]int32{}, signals: map[string]int{}, letters: map[string]int{}}
	for i := range e.operations {
		op := &e.operations[i]
		if op.Message != "" && (op.Kind == OperationSignal || op.Kind == OperationUpdate) {
			f.messages[messageKey{op.Kind, op.WorkflowID, op.Message}] = int32(i)
		}
	}
	return f
}

// text is the data of the first payload as clients see it.
func (f *facts) text(list *common.Payloads) (string, error) {
	p, err := f.outside.whole(list)
	if err == nil && p != nil && f.options.Decode != nil {
		p, err = f.options.Decode(p)
	}
	return string(p.GetData()), err
}

// markOf is the mark that a signal's first argument carries, empty for none.
func markOf(text string) string {
	var mark string
	if json.Unmarshal([]byte(text), &mark) == nil {
		return mark
	}
	var marked struct {
		Mark string `json:"mark"`
	}
	if json.Unmarshal([]byte(text), &marked) != nil {
		return ""
	}
	return marked.Mark
}

// signal finds the operation that sent a signal.
func (f *facts) signal(workflowID string, s *history.Signal) (int32, bool, error) {
	text, err := f.text(s.Input)
	if err != nil {
		return 0, false, fmt.Errorf("signal %q to workflow %s: %w", s.Name, workflowID, err)
	}
	i, ok := f.messages[messageKey{OperationSignal, workflowID, markOf(text)}]
	return i, ok, nil
}

// event takes note of an event of a run.
func (f *facts) event(r *run, e *history.Event) error {
	switch a := e.Attributes.(type) {
	case *history.WorkflowExecutionSignaled:
		r.signals++
		f.signals[r.WorkflowID]++
		i, ok, err := f.signal(r.WorkflowID, &a.Signal)
		if ok {
			f.fates[i].times++
			f.consumed[r.Run] = append(f.consumed[r.Run], i)
		}
		return err
	case *history.WorkflowExecutionUpdateAccepted:
		if i, ok := f.messages[messageKey{OperationUpdate, r.WorkflowID, a.ID}]; ok {
			f.fates[i].times++
		}
	case *history.WorkflowExecutionUpdateCompleted:
		if i, ok := f.messages[messageKey{OperationUpdate, r.WorkflowID, a.ID}]; ok {
			text, err := f.text(a.Result)
			if err != nil {
				return fmt.Errorf("result of update %q of run %s: %w", a.ID, r.Run, err)
			}
			f.fates[i].completed, f.fates[i].result = true, digest(text)
		}
	case *history.WorkflowExecutionCancelRequested:
		r.canceled = true
	case *history.ActivityTaskScheduled:
		r.lane.activities[e.ID] = a.ActivityID
		if a.RetryPolicy != nil && a.RetryPolicy.MaximumAttempts == 1 {
			f.activity(r, a.ActivityID).once = true
		}
	case *history.MarkerRecorded:
		if a.Local != nil && a.Failure == nil {
			x := f.activity(r, a.ID)
			x.local, x.completed = true, true
		}
	case interface{ End() *history.ActivityEnd }:
		f.ended(r, e, a.End().Scheduled)
	}
	return nil
}

func (f *facts) ended(r *run, e *history.Event, scheduled int64) {
	id, ok := r.lane.activities[scheduled]
	if !ok {
		return // which the state has said
	}
	delete(r.lane.activities, scheduled)
	x := f.activity(r, id)
	x.over = true
	if _, ok := e.Attributes.(*history.ActivityTaskCompleted); ok {
		x.completed = true
	}
}

// activity is what is known of an activity's executions.
func (f *facts) activity(r *run, id string) *executed {
	k := activityKey{r.WorkflowID, r.RunID, id}
	x := f.e.executions[k]
	if x == nil {
		x = &executed{}
		f.e.executions[k] = x
	}
	return x
}

// message takes note of a message that waits in an inbox or is a dead letter.
func (f *facts) message(workflowID string, m *history.Message, note func(*fate)) error {
	switch {
	case m.Signal != nil:
		i, ok, err := f.signal(workflowID, m.Signal)
		if ok {
			note(&f.fates[i])
		}
		return err
	case m.Update != nil:
		if i, ok := f.messages[messageKey{OperationUpdate, workflowID, m.Update.ID}]; ok {
			note(&f.fates[i])
		}
	}
	return nil
}
