package verify

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func jsonPayloads(data string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data)}}}
}

// cure is evidence that was changed, and which invariants it violates then, all of them. None is green.
type cure struct {
	name   string
	doctor func(*doctor)
	want   []Invariant
	// says is part of one violation.
	says string
}

// testDoctored shows that each change of the evidence has the verdict that it must have.
func testDoctored(t *testing.T, dir string) {
	all := slices.Concat(losses(), doubles(), stops(), executionCures(), orders(), rest())
	tried := map[Invariant]int{}
	for _, c := range all {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			d := doctored(t, dir)
			c.doctor(d)
			r := verified(t, d.dir, replayer())
			if !slices.Equal(r.Broken(), c.want) {
				t.Fatalf("violated %v, want %v:\n%s", r.Broken(), c.want, text(t, r))
			}
			if !strings.Contains(text(t, r), c.says) {
				t.Errorf("the report does not say %q:\n%s", c.says, text(t, r))
			}
			want := Green
			if len(c.want) > 0 {
				want = Red
			}
			if slices.Equal(c.want, []Invariant{I8}) {
				want = Void
			}
			if r.Verdict != want {
				t.Errorf("the verdict is %s, want %s", r.Verdict, want)
			}
		})
		for _, i := range c.want {
			tried[i]++
		}
	}
	for _, i := range []Invariant{I1, I2, I3, I4, I5, I7, I8} {
		if tried[i] == 0 {
			t.Errorf("nothing violates %s", i)
		}
	}
}

func losses() []cure {
	return []cure{
		{"a signal that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationSignal, WorkflowID: "ears", Message: "lost"})
		}, []Invariant{I1}, `signal "lost" is in no history`},
		{"a signal that is a dead letter", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationSignal, WorkflowID: "ears", Message: "dead"})
			d.put(kindDeadLetter, "millrace.default.deadletter.x", d.signalMessage("dead"), map[string][]string{
				"Millrace-Workflow": {"ears"}, "Millrace-Run": {"x"}, "Millrace-Reason": {"the run was closed"}})
		}, nil, "1 dead letters"},
		{"a dead letter without a reason", func(d *doctor) {
			d.put(kindDeadLetter, "millrace.default.deadletter.x", nil, map[string][]string{"Millrace-Workflow": {"ears"}})
		}, []Invariant{I1}, "has no reason"},
		{"a start that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationStart, WorkflowID: "ghost", RunID: "r"})
		}, []Invariant{I1}, "the run is not stored"},
		{"a run that is not there any more", func(d *doctor) {
			d.history(func(all []Message) []Message {
				return without(all, func(m *Message) bool { return strings.Contains(m.Subject, ".steps-1.") })
			})
		}, []Invariant{I1, I3}, "the run is not stored"},
		{"a hole in the stream", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				return without(all, func(m *Message) bool { return strings.Contains(m.Subject, ".child-of-parent.") })
			})
		}, []Invariant{I1}, "some are missing"},
		{"an update that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationUpdate, WorkflowID: "update", Message: "lost"})
		}, []Invariant{I1}, `update "lost" is in no history`},
		{"a completion of an open run", func(d *doctor) {
			d.history(func(all []Message) []Message {
				records := inLane(all, "update", "history")
				return slices.Delete(all, records[len(records)-1], records[len(records)-1]+1)
			})
		}, []Invariant{I1, I3, I5}, "the run is open"},
		{"a cancellation that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationCancel, WorkflowID: "steps-1", Begun: Now() + int64(time.Hour), Ended: Now() + 2*int64(time.Hour)})
		}, []Invariant{I1}, "no run received it"},
		{"a termination that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationTerminate, WorkflowID: "ghost"})
		}, []Invariant{I1, I5}, "no run of it is closed"},
		{"a report that is nowhere", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationReport, WorkflowID: "ghost", RunID: "r", Message: "7"})
		}, []Invariant{I1}, `activity "7" has not ended`},
		{"a piece of a body that is not there", func(d *doctor) {
			d.history(func(all []Message) []Message {
				return slices.Delete(all, inLane(all, "wide", "body")[0], inLane(all, "wide", "body")[0]+1)
			})
		}, []Invariant{I1}, "separate body of record 1"},
		{"a payload that is not there", func(d *doctor) {
			d.messages(kindPayloads, func([]Message) []Message { return nil })
		}, []Invariant{I1}, "of run large/"},
		{"an unknown outcome", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationStart, WorkflowID: "ghost", Outcome: Unknown})
			d.addOperation(Operation{Kind: OperationSignal, WorkflowID: "ghost", Message: "x", Outcome: Unknown})
		}, nil, "start                 10          1          1          0"},
	}
}

func doubles() []cure {
	return []cure{
		{"an event that is not there", func(d *doctor) {
			d.record("steps-1", 1, func(t *history.Transition) { t.Events = t.Events[1:] })
		}, []Invariant{I2}, "last event is"},
		{"a record that is not there", func(d *doctor) {
			d.history(func(all []Message) []Message {
				i := inLane(all, "steps-1", "history")[1]
				return slices.Delete(all, i, i+1)
			})
		}, []Invariant{I2}, "follows 1"},
		{"a record that is there twice", func(d *doctor) {
			d.history(func(all []Message) []Message { return again(all, inLane(all, "steps-1", "history")[1]) })
		}, []Invariant{I2}, "commit ID"},
		{"two completions of an activity", func(d *doctor) {
			d.record("steps-1", 1, func(t *history.Transition) {
				twice := t.Events[0]
				twice.ID++
				t.Events = append([]history.Event{t.Events[0], twice}, t.Events[1:]...)
				for i := range t.Events[2:] {
					t.Events[2+i].ID++
				}
			})
		}, []Invariant{I2}, "is not pending"},
		{"two terminal events", func(d *doctor) {
			d.record("steps-1", 4, func(t *history.Transition) {
				last := t.Events[len(t.Events)-1]
				last.ID++
				t.Events = append(t.Events, last)
			})
		}, []Invariant{I2}, "status Completed"},
		{"a record after the end", func(d *doctor) {
			d.history(func(all []Message) []Message {
				records := inLane(all, "steps-1", "history")
				all = again(all, records[len(records)-1])
				d.transition(&all[records[len(records)-1]+1], func(t *history.Transition) { t.Number, t.CommitID = t.Number+1, "other" })
				return all
			})
		}, []Invariant{I2}, "follows the run's end"},
		{"one commit ID twice", func(d *doctor) {
			d.record("steps-1", 1, func(t *history.Transition) { t.CommitID = "same" })
			d.record("steps-2", 1, func(t *history.Transition) { t.CommitID = "same" })
		}, []Invariant{I2}, "commit ID same of another record"},
		{"one message consumed twice", func(d *doctor) {
			d.record("steps-1", 1, func(t *history.Transition) { t.Consumed = []string{"s:x"} })
			d.record("steps-1", 2, func(t *history.Transition) { t.Consumed = []string{"s:x"} })
		}, []Invariant{I2}, "both consumed message s:x"},
		{"a forked run", func(d *doctor) { d.fork("update") }, []Invariant{I2}, "is open"},
		{"a record without a start", func(d *doctor) {
			d.history(func(all []Message) []Message {
				i := inLane(all, "child-of-parent", "start")[0]
				return slices.Delete(all, i, i+1)
			})
		}, []Invariant{I2}, "was not started"},
		{"junk in a lane", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				return append(all, Message{Seq: all[len(all)-1].Seq + 1, Subject: all[inLane(all, "steps-1", "history")[0]].Subject, Data: []byte("{}")})
			})
		}, []Invariant{I2}, "is not one of ours"},
		{"junk in a lane that was planned", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				return append(all, Message{Seq: all[len(all)-1].Seq + 1, Subject: all[inLane(all, "steps-1", "history")[0]].Subject, Data: []byte("{}")})
			})
			d.plan(func(p *Plan) { p.Junk = true })
		}, nil, "1 messages that are no records"},
		{"a start by nobody", func(d *doctor) {
			d.operations(func(all []Operation) []Operation {
				return slices.DeleteFunc(all, func(op Operation) bool { return op.WorkflowID == "steps-1" })
			})
			d.must(os.Remove(d.file("expectations-*")))
		}, []Invariant{I2}, "no client has started this run"},
	}
}

func stops() []cure {
	return []cure{
		{"a message that waits", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationSignal, WorkflowID: "ears", Message: "late"})
			d.put(kindInbox, "millrace.default.0.inbox.verify.-.ears."+d.runID("ears", 1)+".s", d.signalMessage("late"), nil)
		}, []Invariant{I3}, "waits in the inbox"},
		{"a task that waits", func(d *doctor) {
			d.put(kindTasks, "millrace.default.0.task.verify.-.-.ears.x.7", nil, nil)
		}, []Invariant{I3}, "a task at 1 waits"},
		{"an intake that waits", func(d *doctor) {
			d.put(kindIntake, "millrace.default.intake.start.A.b", nil, nil)
		}, []Invariant{I3}, "waits in the intake"},
		{"a wake-up of nobody", func(d *doctor) {
			d.put(kindInbox, "millrace.default.0.timer.ghost.x", nil, nil)
		}, []Invariant{I3}, "waits for no run"},
		{"a wake-up that outlived its run", func(d *doctor) {
			d.put(kindInbox, "millrace.default.0.timer.ears."+d.runID("ears", 0), nil, nil)
		}, nil, ""},
		{"a run that nobody ends", func(d *doctor) {
			d.history(func(all []Message) []Message {
				records := inLane(all, "child-of-parent", "history")
				return slices.Delete(all, records[len(records)-1], records[len(records)-1]+1)
			})
		}, []Invariant{I3}, "it is open after"},
		{"a wrong result", func(d *doctor) {
			other := "7"
			edit(d, "expectations-*", func(all []Expectation) []Expectation {
				return append(all, Expectation{WorkflowID: "steps-1", Status: "Completed", Result: &other})
			})
		}, []Invariant{I3}, `its result is "6", expected "7"`},
		{"a wrong end", func(d *doctor) {
			edit(d, "expectations-*", func(all []Expectation) []Expectation {
				return append(all, Expectation{WorkflowID: "steps-1", Status: "Failed"})
			})
		}, []Invariant{I3}, "it is Completed, expected Failed"},
		{"a run that should be there", func(d *doctor) {
			edit(d, "expectations-*", func(all []Expectation) []Expectation { return append(all, Expectation{WorkflowID: "ghost"}) })
		}, []Invariant{I3}, "it has no run"},
		{"a signal too few", func(d *doctor) {
			edit(d, "expectations-*", func(all []Expectation) []Expectation {
				return append(all, Expectation{WorkflowID: "ears", Signals: 7})
			})
		}, []Invariant{I3}, "received 6 signals, expected 7"},
		{"a successor that was never started", func(d *doctor) {
			id := d.runID("ears", 1)
			d.history(func(all []Message) []Message {
				return without(all, func(m *Message) bool { return strings.Contains(m.Subject, id) })
			})
			d.operations(func(all []Operation) []Operation {
				return slices.DeleteFunc(all, func(op Operation) bool { return op.WorkflowID == "ears" && op.Kind != OperationStart })
			})
			d.must(os.Remove(d.file("expectations-*")))
			d.plan(func(p *Plan) { delete(p.Operations, OperationSignal) })
		}, []Invariant{I3}, "was not started"},
		{"a consumer that is stuck", func(d *doctor) {
			d.stream(kindInbox, func(s *Stream) { s.Consumers[0].AckPending = 1 })
		}, []Invariant{I3}, "waits for 1 acknowledgements"},
	}
}

func executionCures() []cure {
	steps := func(x Execution) bool { return x.WorkflowID == "steps-1" }
	once := func(x Execution) bool { return x.WorkflowID == "wide" }
	fault := func(d *doctor, begun int64) {
		edit(d, "faults-*", func(all []Fault) []Fault {
			return append(all, Fault{ID: "2", Kind: "stop-worker", Begun: begun, Ended: begun + 1})
		})
	}
	return []cure{
		{"an execution too many", func(d *doctor) { d.executedAgain(steps, 1000) }, []Invariant{I4}, "without a failure or a fault"},
		{"an execution after a fault", func(d *doctor) {
			begun := int64(0)
			d.executedAgain(func(x Execution) bool { begun = x.Begun; return steps(x) }, int64(time.Second))
			fault(d, begun+1)
		}, nil, "1 after a fault"},
		{"an execution after a lost one", func(d *doctor) {
			begun := int64(0)
			d.executedAgain(func(x Execution) bool { begun = x.Begun; return steps(x) }, int64(time.Second))
			d.executions(func(all []Execution) []Execution {
				return slices.DeleteFunc(all, func(x Execution) bool { return x.Begun == begun && x.Ended > 0 })
			})
			fault(d, begun+1)
		}, nil, "1 after a lost one"},
		{"an execution after a failure", func(d *doctor) {
			begun := int64(0)
			d.executedAgain(func(x Execution) bool { begun = x.Begun; return steps(x) }, int64(time.Second))
			d.executions(func(all []Execution) []Execution {
				for i := range all {
					all[i].Failed = all[i].Begun == begun && all[i].Ended > 0
				}
				return all
			})
		}, nil, "1 after a failure"},
		{"two executions of what may be executed once", func(d *doctor) {
			begun := int64(0)
			d.executedAgain(func(x Execution) bool { begun = x.Begun; return once(x) }, int64(time.Second))
			fault(d, begun+1)
		}, []Invariant{I4}, "may be executed once"},
		{"a result without an execution", func(d *doctor) {
			d.executions(func(all []Execution) []Execution {
				return slices.DeleteFunc(all, func(x Execution) bool { return steps(x) })
			})
		}, []Invariant{I4}, "no ledger shows that it was executed"},
		{"a result without an end", func(d *doctor) {
			d.executions(func(all []Execution) []Execution {
				return slices.DeleteFunc(all, func(x Execution) bool { return steps(x) && x.Ended > 0 })
			})
		}, []Invariant{I4}, "ended without an error"},
		{"more than was planned", func(d *doctor) {
			begun := int64(0)
			d.executedAgain(func(x Execution) bool { begun = x.Begun; return steps(x) }, int64(time.Second))
			fault(d, begun+1)
			d.plan(func(p *Plan) { p.ExtraRatio = 1.001 })
		}, []Invariant{I4}, "executions for each activity"},
		{"a claim that was made twice", func(d *doctor) {
			d.history(func(all []Message) []Message {
				start := inLane(all, "wide", "start")[0]
				claim := Message{Subject: strings.Join(strings.Split(all[start].Subject, ".")[:tokenLane], ".") + ".claim.2", Headers: map[string][]string{headerExpected: {"0"}}}
				return slices.Insert(all, start+1, claim, claim)
			})
		}, []Invariant{I4}, "claimed twice"},
	}
}

func orders() []cure {
	told := func(o Operation) func(*doctor) { return func(d *doctor) { d.addOperation(o) } }
	return []cure{
		{"a changed hash", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				records := inLane(all, "steps-1", "history")
				d.transition(&all[records[len(records)-1]], func(t *history.Transition) { t.PreviousHash[0] ^= 1 })
				return all
			})
		}, []Invariant{I5}, "names hash"},
		{"a changed record", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				d.transition(&all[inLane(all, "steps-1", "history")[1]], func(t *history.Transition) { t.Cover += "?" })
				return all
			})
		}, []Invariant{I5}, "which has"},
		{"a wrong link", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				records := inLane(all, "steps-1", "history")
				d.transition(&all[records[len(records)-1]], func(t *history.Transition) { t.Previous-- })
				return all
			})
		}, []Invariant{I5}, "as the one before it"},
		{"an append without a condition", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				delete(all[inLane(all, "steps-1", "history")[1]].Headers, headerExpected)
				return all
			})
		}, []Invariant{I5}, "was to follow sequence 0"},
		{"a start on another condition", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				d.expecting(&all[inLane(all, "steps-0", "start")[1]], 0)
				return all
			})
		}, []Invariant{I1, I2, I3, I5}, "its start at"},
		{"a start on a condition that speaks of no other run", func(d *doctor) {
			d.messages(kindHistory, func(all []Message) []Message {
				start := &all[inLane(all, "steps-0", "start")[1]]
				start.Headers[headerExpectedOn] = []string{start.Subject}
				return all
			})
		}, []Invariant{I1, I2, I3, I5}, "its start at"},
		{"time that goes back", func(d *doctor) {
			d.record("steps-1", 1, func(t *history.Transition) { t.Time = t.Time.Add(-time.Hour) })
		}, []Invariant{I5}, "before the one before it"},
		{"a stale read", told(Operation{Kind: OperationDescribe, WorkflowID: "steps-1", Seen: &Seen{Status: "Running"}}), []Invariant{I5}, "fits no order"},
		{"a read of an old run", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationDescribe, WorkflowID: "steps-0", Seen: &Seen{RunID: d.runID("steps-0", 0), Status: "Completed"}})
		}, []Invariant{I5}, "fits no order"},
		{"a read of the future", func(d *doctor) {
			d.addOperation(Operation{Kind: OperationDescribe, WorkflowID: "steps-1", Seen: &Seen{Status: "Completed"}, Begun: 1, Ended: 2})
		}, []Invariant{I5}, "fits no order"},
		{"a refused start beside no run", told(Operation{Kind: OperationStart, WorkflowID: "steps-1", Outcome: Refused}), []Invariant{I5}, "fits no order"},
		{"a refused start that was to be the only one", told(Operation{Kind: OperationStart, WorkflowID: "steps-1", Outcome: Refused, Reuse: "RejectDuplicate"}), nil, ""},
		{"a start that began while a run was open", func(d *doctor) {
			second := d.runID("steps-0", 1)
			d.operations(func(all []Operation) []Operation {
				for i := range all {
					if op := &all[i]; op.WorkflowID == "steps-0" && op.RunID == second && op.Kind == OperationStart {
						op.Begun, op.Ended = 1, 2
					}
				}
				return all
			})
			d.plan(func(p *Plan) { p.Baseline = time.Hour })
		}, []Invariant{I5}, "fits no order"},
		{"a client that was told of another result", func(d *doctor) {
			d.operation(OperationCompletion, "steps-1", "", func(op *Operation) { op.Seen.Result = "7" })
		}, []Invariant{I5}, `the result is "6", its client was told "7"`},
		{"a client that was told of another end", func(d *doctor) {
			d.operation(OperationCompletion, "steps-1", "", func(op *Operation) { op.Seen.Status = "Failed" })
		}, []Invariant{I5}, "its client was told Failed"},
		{"a client that was told of another outcome of its update", func(d *doctor) {
			d.operation(OperationUpdate, "update", "good", func(op *Operation) { op.Seen.Result = "43" })
		}, []Invariant{I5}, "its client was told of 43"},
		{"a refused signal that was consumed", func(d *doctor) {
			d.operation(OperationSignal, "ears", "mark-2", func(op *Operation) { op.Outcome = Refused })
		}, []Invariant{I5}, "was refused and is in a history"},
		{"signals in another order", func(d *doctor) {
			d.operation(OperationSignal, "ears", "mark-0", func(op *Operation) { op.Message = "mark-1" })
			d.operations(func(all []Operation) []Operation {
				for i := range all {
					if all[i].Message == "mark-1" {
						all[i].Message = "mark-0" // also the one that was mark-0: put right below
					}
				}
				swap := []string{"mark-1", "mark-0"}
				ids := map[string]string{}
				for i := range all {
					if op := &all[i]; op.Message == "mark-0" {
						if ids[op.ID] == "" {
							ids[op.ID] = swap[len(ids)]
						}
						op.Message = ids[op.ID]
					}
				}
				return all
			})
		}, []Invariant{I5}, "was consumed before signal"},
		{"a look that saw less than the one before it", func(d *doctor) {
			id := d.runID("ears", 1)
			d.addOperation(Operation{Kind: OperationDescribe, WorkflowID: "ears", Seen: &Seen{RunID: id, Status: "Completed", LastEvent: 1}})
		}, []Invariant{I5}, "saw event 1"},
	}
}

func rest() []cure {
	return []cure{
		{"slow neighbours", func(d *doctor) { d.plan(func(p *Plan) { p.Baseline = time.Nanosecond }) }, []Invariant{I7}, "the p99 of healthy runs"},
		{"too few operations", func(d *doctor) { d.plan(func(p *Plan) { p.Operations[OperationStart] = 13 }) }, []Invariant{I8}, "at least four fifths of 13"},
		{"a fault that was not done", func(d *doctor) { d.plan(func(p *Plan) { p.Faults["kill-server"] = 1 }) }, []Invariant{I8}, "0 faults of kind kill-server"},
		{"a fault that hit nothing", func(d *doctor) {
			edit(d, "faults-*", func(all []Fault) []Fault {
				for i := range all {
					all[i].Begun, all[i].Ended, all[i].Recovered = 1, 2, 0
				}
				return all
			})
		}, []Invariant{I8}, "0 faults of kind kill-worker"},
		{"a fault of a process that held nothing", func(d *doctor) { d.faultOf(func(x Execution) int { return x.PID + 1 }) },
			[]Invariant{I8}, "0 faults of kind kill-worker"},
		{"a fault of a process that held something", func(d *doctor) { d.faultOf(func(x Execution) int { return x.PID }) }, nil, ""},
		{"no operations", func(d *doctor) {
			d.must(os.Remove(d.file("operations-*")))
			d.plan(func(p *Plan) { *p = Plan{} })
		}, []Invariant{I8}, "no operation was acknowledged"},
		{"a torn last line", func(d *doctor) {
			f, err := os.OpenFile(d.file("operations-*"), os.O_APPEND|os.O_WRONLY, 0)
			d.must(err)
			_, err = f.WriteString(`{"id": "torn", "kind": "sta`)
			d.must(err)
			d.must(f.Close())
			w, err := OpenOperations(d.dir, "client", WriteOptions{})
			d.must(err)
			d.must(w.Append(Operation{ID: "next", Kind: OperationSignal, WorkflowID: "ears", Message: "?", Outcome: Unknown}))
			d.must(w.Close())
		}, nil, "signal                 6          1          1          0"},
	}
}

// testReplay shows that code which differs from what ran is noticed, and that a missing replayer is.
func testReplay(t *testing.T, dir string) {
	r := worker.NewWorkflowReplayer()
	registerWorkflows(r)
	r.RegisterWorkflowWithOptions(func(ctx workflow.Context, _ int) (int, error) { return 1, workflow.Sleep(ctx, time.Hour) },
		workflow.RegisterOptions{Name: wfSteps, DisableAlreadyRegisteredCheck: true})
	report := verified(t, dir, Options{Replay: ReplayWith(r)})
	if !slices.Equal(report.Broken(), []Invariant{I6}) || report.Verdict != Red {
		t.Errorf("changed code: violated %v, %s", report.Broken(), report.Verdict)
	}
	if report = verified(t, dir, Options{}); report.Verdict != Void {
		t.Errorf("without code: %s, want void", report.Verdict)
	}
	d := doctored(t, dir)
	d.plan(func(p *Plan) { p.NoReplay = true })
	if report = verified(t, d.dir, Options{}); report.Verdict != Green {
		t.Errorf("without code, as planned: %s", report.Verdict)
	}
}

// testTruncatedDump shows that a dump that is not whole is an error and no verdict.
func testTruncatedDump(t *testing.T, dir string) {
	for name, change := range map[string]func(*doctor){
		"fewer messages than the stream has": func(d *doctor) { d.stream(kindHistory, func(s *Stream) { s.Messages++ }) },
		"half a file": func(d *doctor) {
			name := d.file("dump/*_HISTORY.jsonl.gz")
			data, err := os.ReadFile(name)
			d.must(err)
			d.must(os.WriteFile(name, data[:len(data)/2], 0o644))
		},
		"no history": func(d *doctor) { d.must(os.Remove(d.file("dump/*_HISTORY.json"))) },
	} {
		d := doctored(t, dir)
		change(d)
		if _, err := Verify(t.Context(), d.dir, replayer()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
