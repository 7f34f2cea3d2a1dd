package replay_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

var update = flag.Bool("update", false, "rewrite the expected traces in testdata")

// TestScripts runs testdata/*.txt. A script is a list of commands, each followed by its expected output, indented:
//
//	workflow NAME [max=BYTES]   use this workflow of workflows_test.go, with a limit for payloads
//	step [MESSAGE; ...]         make one transition of these messages and of what is due
//	wait DURATION               let time pass
//	query NAME                  ask the live run
//	stack                       print the live run's stack trace without files
//	replay NAME                 replay what is recorded with another workflow's code
//	destroy                     destroy the live run
//
// A message is: signal NAME TEXT | cancel REASON | terminate REASON | done ID TEXT | failed ID TEXT | canceled ID |
// started ID | notstarted ID | childdone ID TEXT | childfailed ID TEXT | childcanceled ID | childtimedout ID |
// childterminated ID | sent ID | notfound ID.
//
// Output lines are the events of the transition, and what the workflow says. At the end of every script what it
// recorded is replayed with its own code and must give the same state.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(data) {
				t.Errorf("%s gives\n%s", file, got)
			}
		})
	}
}

// script is the state of a script: one run, and the output of the command being run.
type script struct {
	t    *testing.T
	name string
	max  int
	run  *run
	out  []string
	// destroying lets the code speak while the live run is unwound.
	destroying bool
}

func runScript(t *testing.T, text string) string {
	s := &script{t: t}
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		b.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.out = nil
		s.command(strings.Fields(line)[0], line)
		for _, o := range s.out {
			b.WriteString("\t" + o + "\n")
		}
	}
	s.verify()
	return b.String()
}

func (s *script) say(format string, args ...any) { s.out = append(s.out, fmt.Sprintf(format, args...)) }

func (s *script) command(verb, line string) {
	rest := strings.TrimSpace(strings.TrimPrefix(line, verb))
	switch verb {
	case "workflow":
		s.name, rest, _ = strings.Cut(rest, " ")
		if n, ok := strings.CutPrefix(rest, "max="); ok {
			s.max, _ = strconv.Atoi(n)
		}
		s.run = &run{t: s.t, m: s.machine(s.name), now: epoch}
	case "step":
		s.step(rest)
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.t.Fatal(err)
		}
		s.run.now = s.run.now.Add(d)
	case "query":
		result, err := s.run.m.Query(rest, nil)
		s.say("%s", orError(untext(result), err))
	case "stack":
		for l := range strings.Lines(s.run.m.StackTrace()) {
			if !strings.HasPrefix(l, "\t") {
				s.say("%s", strings.TrimRight(l, "\n"))
			}
		}
	case "replay":
		s.replay(rest)
	case "destroy":
		s.destroying = true
		s.run.m.Destroy()
		s.destroying = false
	default:
		s.t.Fatalf("unknown command %q", line)
	}
}

func (s *script) machine(name string) *replay.Machine {
	body, ok := workflows[name]
	if !ok {
		s.t.Fatalf("unknown workflow %q", name)
	}
	start := newStart()
	start.RetryPolicy = &history.RetryPolicy{InitialInterval: 1000, MaximumAttempts: 3}
	m := replay.New(replay.Config{Start: start, MaxPayload: s.max, Body: func(env *replay.Env) {
		body(env, func(format string, args ...any) {
			if !env.Replaying() || s.destroying {
				s.say("says: "+format, args...)
			}
		})
	}})
	s.t.Cleanup(m.Destroy)
	return m
}

func (s *script) step(rest string) {
	var messages []*history.Message
	for m := range strings.SplitSeq(rest, ";") {
		if m = strings.TrimSpace(m); m != "" {
			messages = append(messages, s.message(m))
		}
	}
	rec, err := s.run.step(messages...)
	if err != nil {
		s.say("error: %v", err)
		return
	}
	for _, e := range rec.Events {
		s.say("%s", eventText(e))
	}
}

func (s *script) message(text string) *history.Message {
	f := append(strings.SplitN(text, " ", 3), "", "")
	id, _ := strconv.ParseInt(f[1], 10, 64)
	fail := &failure.Failure{Message: f[2], ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
	child := func(status enums.WorkflowExecutionStatus) *history.Message {
		return &history.Message{ID: status.String(), Child: &history.ChildOutcome{Initiated: id, RunID: "child-run", Status: status}}
	}
	switch f[0] {
	case "signal":
		return signal(f[1], f[2])
	case "cancel":
		return &history.Message{ID: "cancel", Cancel: &history.CancelRequest{Reason: f[1]}}
	case "terminate":
		return &history.Message{ID: "terminate", Terminate: &history.Termination{Reason: f[1]}}
	case "done":
		return completed(id, f[2])
	case "failed":
		return &history.Message{Activity: &history.ActivityResult{Scheduled: id, Attempt: 1, Failure: fail}}
	case "canceled":
		f := &failure.Failure{CanceledFailureInfo: &failure.CanceledFailureInfo{}}
		return &history.Message{Activity: &history.ActivityResult{Scheduled: id, Attempt: 1, Failure: f}}
	case "sent", "notfound":
		return &history.Message{External: &history.ExternalResult{Initiated: id, NotFound: f[0] == "notfound"}}
	case "started":
		return child(enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	case "notstarted":
		m := child(enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED)
		m.Child.Cause = enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
		return m
	case "childdone":
		m := child(enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		m.Child.Result = completed(id, f[2]).Activity.Result
		return m
	case "childfailed":
		m := child(enums.WORKFLOW_EXECUTION_STATUS_FAILED)
		m.Child.Failure = fail
		return m
	case "childcanceled":
		return child(enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	case "childtimedout":
		return child(enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT)
	case "childterminated":
		return child(enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	}
	s.t.Fatalf("unknown message %q", text)
	return nil
}

func (s *script) replay(name string) {
	m := s.machine(name)
	for _, rec := range s.run.records {
		if err := m.Apply(roundTrip(s.t, rec)); err != nil {
			s.say("error: %v", err)
			return
		}
	}
	s.say("same commands")
}

// verify replays the script's records with its own code.
func (s *script) verify() {
	m := s.machine(s.name)
	for _, rec := range s.run.records {
		if err := m.Apply(roundTrip(s.t, rec)); err != nil {
			s.t.Fatalf("replay with the code that decided: %v", err)
		}
	}
	if diff := diffStates(s.run.m.State(), m.State()); diff != "" {
		s.t.Errorf("state after replay:\n%s", diff)
	}
}

func orError(s string, err error) string {
	if p := (*replay.PanicError)(nil); errors.As(err, &p) {
		return "panic: " + p.Error()
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return s
}

// eventText is an event with the attributes that matter in scripts.
func eventText(e history.Event) string {
	var more []any
	switch a := e.Attributes.(type) {
	case *history.ActivityTaskScheduled:
		more = []any{a.Type, "id", a.ActivityID, "queue", a.Queue}
	case *history.ActivityTaskCancelRequested:
		more = []any{"of", a.Scheduled}
	case interface{ End() *history.ActivityEnd }:
		more = []any{"of", a.End().Scheduled}
	case *history.TimerStarted:
		more = []any{a.Timeout.Duration(), "due", a.Due.Sub(epoch)}
	case *history.TimerFired:
		more = []any{"of", a.Started}
	case *history.TimerCanceled:
		more = []any{"of", a.Started}
	case *history.StartChildWorkflowExecutionInitiated:
		more = []any{a.Type, "workflow", a.WorkflowID, "run", a.RunID, "queue", a.Queue}
	case interface{ End() *history.ChildEnd }:
		more = []any{"of", a.End().Initiated}
	case *history.SignalExternalWorkflowExecutionInitiated:
		more = []any{a.Name, "to", a.Target.WorkflowID}
	case *history.RequestCancelExternalWorkflowExecutionInitiated:
		more = []any{"to", a.Target.WorkflowID}
	case *history.WorkflowExecutionSignaled:
		more = []any{a.Name, untext(a.Input)}
	case *history.WorkflowExecutionCompleted:
		more = []any{untext(a.Result)}
	case *history.WorkflowExecutionFailed:
		more = []any{a.Failure.Message, "retry", a.Retry, successorText(a.Successor)}
	case *history.WorkflowExecutionContinuedAsNew:
		more = []any{successorText(a.Successor)}
	}
	return strings.TrimSpace(e.String() + " " + strings.TrimSuffix(fmt.Sprintln(slices.DeleteFunc(more, func(v any) bool {
		return v == ""
	})...), "\n"))
}

func successorText(s *history.Successor) string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("successor %s %s by %v after %v", s.Type, s.RunID, s.Initiator, s.Delay.Duration())
}
