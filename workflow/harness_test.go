package workflow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// TestMain fails when a coroutine outlives its machine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// tb is the part of testing.TB that the harness needs; examples have one of their own.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// harness is a coordinator in miniature: it holds one run on a live machine, gives it messages and time, and keeps its
// records. When the test ends the records are replayed on a fresh machine, which must come to the same state.
type harness struct {
	tb
	def     *workflow.Definition
	start   *history.Start
	m       *replay.Machine
	max     int
	records []*history.Transition
	now     time.Time
	sent    int
	// local makes the outcome of a local activity.
	local func(a *replay.LocalActivity) replay.LocalOutcome
}

type option func(h *harness, o *workflow.DefinitionOptions)

// newHarness is a run that has not begun.
func newHarness(t tb, fn any, args []any, options ...option) *harness {
	t.Helper()
	h := &harness{tb: t, now: epoch, start: &history.Start{
		Run: history.Address{
			Run:   history.Run{WorkflowID: "order-1", RunID: "019b76da-a800-7000-8000-000000000001"},
			Queue: "orders",
		},
		Time:  epoch,
		Input: payloads(t, args...),
	}}
	h.local = h.callLocal
	o := workflow.DefinitionOptions{Namespace: "default"}
	for _, option := range options {
		option(h, &o)
	}
	def, err := workflow.NewDefinition("Workflow", fn, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	h.def, h.start.Type = def, def.Name()
	h.m = h.machine()
	t.Cleanup(h.verify)
	return h
}

// begin is a run after its first transition.
func begin(t tb, fn any, args ...any) *harness {
	t.Helper()
	h := newHarness(t, fn, args)
	h.step()
	return h
}

func (h *harness) machine() *replay.Machine {
	m := replay.New(replay.Config{Start: h.start, Body: h.def.Body(), MaxPayload: h.max})
	h.Cleanup(m.Destroy)
	return m
}

func (h *harness) verify() {
	h.Helper()
	fresh := h.machine()
	for _, rec := range h.records {
		if err := fresh.Apply(h.roundTrip(rec)); err != nil {
			h.Fatalf("replay: %v", err)
		}
	}
	if d := cmp.Diff(h.m.State(), fresh.State(), cmp.AllowUnexported(history.State{}), cmpopts.EquateEmpty()); d != "" {
		h.Fatalf("state after replay differs: %s", d)
	}
}

func (h *harness) roundTrip(rec *history.Transition) *history.Transition {
	h.Helper()
	data, err := history.Encode(rec)
	if err != nil {
		h.Fatalf("%v", err)
	}
	back, err := history.DecodeTransition(data)
	if err != nil {
		h.Fatalf("%v", err)
	}
	return back
}

// try makes one transition of the messages and of what is due.
func (h *harness) try(messages ...*history.Message) error {
	h.Helper()
	s := h.m.State()
	d := s.Draft(h.now)
	for _, m := range messages {
		if v := d.Add(m); v != history.Taken {
			h.Fatalf("message %s: verdict %d", m.Identity(), v)
		}
	}
	d.AddDue(nil)
	events, err := h.m.Decide(d)
	for err == nil && len(h.m.Locals()) > 0 {
		a := h.m.Locals()[0]
		events, err = h.m.Resume(a, h.local(a))
	}
	if err != nil {
		return err
	}
	n := s.Transitions + 1
	rec := h.roundTrip(&history.Transition{RunID: s.Start.Run.RunID, Number: n, CommitID: fmt.Sprint("commit-", n),
		Cover: "test", Time: d.Time(), Consumed: d.Consumed(), Events: events})
	if err := h.m.Commit(rec); err != nil {
		h.Fatalf("%v", err)
	}
	h.records = append(h.records, rec)
	return nil
}

func (h *harness) step(messages ...*history.Message) {
	h.Helper()
	if err := h.try(messages...); err != nil {
		h.Fatalf("%v", err)
	}
}

// advance lets time pass and makes a transition of what is due then.
func (h *harness) advance(d time.Duration) {
	h.Helper()
	h.now = h.now.Add(d)
	h.step()
}

// trace is the types of all events, those of each transition in a line of its own.
func (h *harness) trace() string {
	var lines []string
	for _, rec := range h.records {
		var words []string
		for _, e := range rec.Events {
			words = append(words, e.Type.String())
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n")
}

func (h *harness) wantTrace(want ...string) {
	h.Helper()
	if d := cmp.Diff(want, strings.Split(h.trace(), "\n")); d != "" {
		h.Fatalf("events differ (-want +got):\n%s", d)
	}
}

// last is the last event with attributes of type A.
func last[A history.Attributes](h *harness) (int64, A) {
	h.Helper()
	var id int64
	var found A
	for _, rec := range h.records {
		for _, e := range rec.Events {
			if a, ok := e.Attributes.(A); ok {
				id, found = e.ID, a
			}
		}
	}
	if id == 0 {
		h.Fatalf("no %T in\n%s", found, h.trace())
	}
	return id, found
}

// scheduled is the number of the event that scheduled the newest pending activity of a type.
func (h *harness) scheduled(activity string) int64 {
	h.Helper()
	var found int64
	for id, a := range h.m.State().Activities {
		if a.Scheduled.Type == activity {
			found = max(found, id)
		}
	}
	if found == 0 {
		h.Fatalf("no activity %s is pending", activity)
	}
	return found
}

func (h *harness) completed(activity string, result any) *history.Message {
	h.Helper()
	return &history.Message{ID: "1", Activity: &history.ActivityResult{
		Scheduled: h.scheduled(activity), Attempt: 1, Identity: "worker-1", Result: payloads(h, result)}}
}

func (h *harness) failed(activity string, err error) *history.Message {
	h.Helper()
	return &history.Message{ID: "1", Activity: &history.ActivityResult{
		Scheduled: h.scheduled(activity), Attempt: 3, Identity: "worker-1", Failure: failureOf(err),
		Retry: enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED}}
}

func (h *harness) signal(name string, arg any) *history.Message {
	h.Helper()
	h.sent++
	return &history.Message{ID: fmt.Sprint(h.sent), Signal: &history.Signal{Name: name, Input: payloads(h, arg)}}
}

func (h *harness) cancel() *history.Message {
	h.sent++
	return &history.Message{ID: fmt.Sprint(h.sent), Cancel: &history.CancelRequest{Reason: "test"}}
}

// child is a message about the last child that was asked for.
func (h *harness) child(o history.ChildOutcome) *history.Message {
	h.Helper()
	id, a := last[*history.StartChildWorkflowExecutionInitiated](h)
	o.Initiated = id
	if o.RunID == "" {
		o.RunID = a.RunID
	}
	return &history.Message{ID: o.Status.String(), Child: &o}
}

func (h *harness) childStarted() *history.Message {
	h.Helper()
	return h.child(history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING})
}

func (h *harness) childCompleted(result any) *history.Message {
	h.Helper()
	return h.child(history.ChildOutcome{Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, Result: payloads(h, result)})
}

// result decodes the result of the completed run.
func (h *harness) result(ptr any) {
	h.Helper()
	if s := h.m.State(); s.Status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		h.Fatalf("run is %v: %v\n%s", s.Status, h.err(), h.trace())
	}
	p, _, _ := h.m.State().Result()
	if err := converter.GetDefaultDataConverter().FromPayloads(p, ptr); err != nil {
		h.Fatalf("%v", err)
	}
}

// wantResult compares the result of the completed run.
func wantResult[T any](h *harness, want T) {
	h.Helper()
	var got T
	h.result(&got)
	if d := cmp.Diff(want, got); d != "" {
		h.Fatalf("result differs (-want +got):\n%s", d)
	}
}

// err is the error that the run failed with, nil if it did not.
func (h *harness) err() error {
	_, f, _ := h.m.State().Result()
	return millrace.GetDefaultFailureConverter().FailureToError(f)
}

func (h *harness) wantStatus(want enums.WorkflowExecutionStatus) {
	h.Helper()
	if got := h.m.State().Status; got != want {
		h.Fatalf("status %v, want %v: %v\n%s", got, want, h.err(), h.trace())
	}
}

// ask queries the run.
func (h *harness) ask(query string, ptr any, args ...any) error {
	h.Helper()
	p, err := h.m.Query(query, payloads(h, args...))
	if err != nil {
		return err
	}
	return converter.GetDefaultDataConverter().FromPayloads(p, ptr)
}

// failureOf is err as it comes from another process.
func failureOf(err error) *failure.Failure {
	return millrace.GetDefaultFailureConverter().ErrorToFailure(err)
}

func payloads(t tb, values ...any) *common.Payloads {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayloads(values...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return p
}

func withActivities(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
}
