package main

import (
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// storedRecord is a message in the lane of a run's records, in the order of the stream.
type storedRecord struct {
	Seq        uint64
	Transition *history.Transition
	// Err says why the message is no record.
	Err error
}

// observation is what was found on the broker and on the disk when everything had come to rest.
type observation struct {
	// Starts are the run IDs of each workflow ID.
	Starts map[string][]string
	Lanes  map[history.Run][]storedRecord
	// Loaded is how many records package streams returns for each lane.
	Loaded     map[history.Run]int
	Executions executions
	// Tasks and Inbox are the subjects of messages that are left.
	Tasks, Inbox []string
}

// violation is one thing that must not be. WorkflowID is empty when it is about no run in particular.
type violation struct{ WorkflowID, RunID, What string }

func (v violation) String() string {
	if v.WorkflowID == "" {
		return v.What
	}
	return fmt.Sprintf("workflow %s, run %s: %s", v.WorkflowID, v.RunID, v.What)
}

// violations compares what was asked for and what the clients were told with what was found.
func violations(expected []*expectation, o *observation) []violation {
	var all []violation
	known := map[history.Run]bool{}
	for _, e := range expected {
		v := verifier{expected: e, observed: o}
		v.check()
		all = append(all, v.found...)
		known[v.run] = true
	}
	for run := range o.Lanes {
		if !known[run] {
			all = append(all, violation{run.WorkflowID, run.RunID, "there is a history that belongs to no run that was asked for"})
		}
	}
	for _, s := range o.Tasks {
		all = append(all, violation{What: "task left over: " + s})
	}
	for _, s := range o.Inbox {
		all = append(all, violation{What: "inbox message left over: " + s})
	}
	return all
}

// verifier checks one run.
type verifier struct {
	expected *expectation
	observed *observation
	run      history.Run
	found    []violation
}

func (v *verifier) report(format string, args ...any) {
	v.found = append(v.found, violation{v.run.WorkflowID, v.run.RunID, fmt.Sprintf(format, args...)})
}

func (v *verifier) check() {
	e := v.expected
	v.run = history.Run{WorkflowID: e.WorkflowID, RunID: e.RunID}
	runs := v.observed.Starts[e.WorkflowID]
	switch {
	case len(runs) == 0:
		v.report("no start is stored")
		return
	case len(runs) > 1:
		v.report("started %d times: %v", len(runs), runs)
	case e.RunID != "" && e.RunID != runs[0]:
		v.report("the client was told of this run, but run %s is stored", runs[0])
	}
	if e.RunID == "" {
		v.run.RunID = runs[0]
	}
	if e.Err != nil {
		v.report("the client got no result: %v", e.Err)
	} else if e.Result != e.want() {
		v.report("the client got the result %q, want %q", e.Result, e.want())
	}
	lane := v.observed.Lanes[v.run]
	if len(lane) == 0 {
		v.report("the history is missing")
		return
	}
	if loaded := v.observed.Loaded[v.run]; loaded != len(lane) {
		v.report("the lane holds %d messages, loading returns %d", len(lane), loaded)
	}
	v.checkEvents(v.checkRecords(lane))
}

// checkRecords verifies that the lane is a chain of records, and returns their events.
func (v *verifier) checkRecords(lane []storedRecord) []history.Event {
	var events []history.Event
	consumed := map[string]uint64{}
	previous := uint64(0)
	for i, r := range lane {
		if r.Err != nil {
			v.report("sequence %d is no record: %v", r.Seq, r.Err)
			continue
		}
		t, want := r.Transition, uint64(i+1)
		if t.Number != want {
			v.report("record %d stands where record %d belongs", t.Number, want)
		}
		if t.RunID != v.run.RunID {
			v.report("record %d is one of run %s", t.Number, t.RunID)
		}
		if t.Previous != previous {
			v.report("record %d names sequence %d as the record before it, which is at %d", t.Number, t.Previous, previous)
		}
		previous = r.Seq
		for _, id := range t.Consumed {
			if before, twice := consumed[id]; twice {
				v.report("records %d and %d both consumed message %s", before, t.Number, id)
			}
			consumed[id] = t.Number
		}
		events = append(events, t.Events...)
	}
	return events
}

// firstEvent is the number of the first event in records: event 1 is the stored start.
const firstEvent = 2

// checkEvents verifies that events are numbered without gap, that the run did what its code says and that it closed
// once.
func (v *verifier) checkEvents(events []history.Event) {
	ended := map[int64]int{}
	ids := map[int64]string{}
	closings := 0
	for i, e := range events {
		if want := int64(i + firstEvent); e.ID != want {
			v.report("event %s stands where event %d belongs", e, want)
		}
		if e.Type == enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED {
			v.report("event %s is in the records, it belongs to the start only", e)
		}
		if e.IsClosing() {
			closings++
		} else if closings > 0 {
			v.report("event %s comes after the run closed", e)
		}
		switch a := e.Attributes.(type) {
		case *history.ActivityTaskScheduled:
			ids[e.ID] = a.ActivityID
		case interface{ End() *history.ActivityEnd }:
			scheduled := a.End().Scheduled
			if _, known := ids[scheduled]; !known {
				v.report("event %s ends an activity that was not scheduled", e)
			}
			if ended[scheduled]++; ended[scheduled] > 1 {
				v.report("event %s ends activity %d again", e, scheduled)
			}
			if e.Type != enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
				v.report("event %s: activities of this test always complete", e)
			} else if !v.observed.Executions.ended[activityKey{v.run.WorkflowID, v.run.RunID, ids[scheduled]}] {
				v.report("event %s, but no ledger shows that activity %q was executed", e, ids[scheduled])
			}
		}
	}
	if len(ids) != v.expected.Steps {
		v.report("%d activities were scheduled, want %d", len(ids), v.expected.Steps)
	}
	if closings != 1 {
		v.report("%d closing events, want 1", closings)
	}
	v.checkResult(events)
}

// checkResult verifies the result that is stored.
func (v *verifier) checkResult(events []history.Event) {
	i := slices.IndexFunc(events, history.Event.IsClosing)
	if i < 0 {
		return
	}
	completed, ok := events[i].Attributes.(*history.WorkflowExecutionCompleted)
	if !ok {
		v.report("closed by event %s", events[i])
		return
	}
	var result string
	if err := converter.GetDefaultDataConverter().FromPayloads(completed.Result, &result); err != nil {
		v.report("the stored result cannot be decoded: %v", err)
	} else if result != v.expected.want() {
		v.report("the stored result is %q, want %q", result, v.expected.want())
	}
}
