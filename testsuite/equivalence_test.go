package testsuite_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// The names that are the same on both sides.
const (
	equivalentQueue = "equivalence"
	workerIdentity  = "the worker"
)

// equivalent is a workflow that must do the same in the test environment and on a server.
type equivalent struct {
	name string
	// run is the workflow; it returns a string, or an error, which is compared by its words.
	run func(ctx workflow.Context) (string, error)
	// steps are what happens from outside, one after the other.
	steps []step
	// options are those of the start.
	options client.StartWorkflowOptions
	// children are workflow IDs whose histories are compared as well.
	children []string
}

// step is something that happens from outside as soon as the history has so many events, and nothing else can happen.
type step struct {
	events int
	// to is the workflow ID that is signaled, empty for the workflow's own.
	to     string
	signal string
	value  string
	cancel bool
	update string
}

func (x equivalent) startOptions() client.StartWorkflowOptions {
	o := x.options
	o.ID, o.TaskQueue = "equivalent "+x.name, equivalentQueue
	return o
}

func (x equivalent) register(r worker.Registry) {
	r.RegisterWorkflowWithOptions(x.run, workflow.RegisterOptions{Name: x.name})
	r.RegisterWorkflowWithOptions(childFlow, workflow.RegisterOptions{Name: "childFlow"})
	r.RegisterWorkflowWithOptions(waitingChild, workflow.RegisterOptions{Name: "waitingChild"})
	r.RegisterActivity(flow{})
}

// recorded is what is compared: how it ended, and every history event by event.
type recorded struct {
	Result    string
	Histories map[string][]string
}

// inEnvironment runs x in a test environment.
func (x equivalent) inEnvironment(t *testing.T) recorded {
	var s testsuite.WorkflowTestSuite
	env := s.NewTestWorkflowEnvironment()
	x.register(env)
	env.SetIdentity(workerIdentity)
	env.SetStartWorkflowOptions(x.startOptions())
	x.drive(env, 0)
	env.ExecuteWorkflow(x.name)
	var out string
	err := env.GetWorkflowResult(&out)
	got := recorded{Result: outcomeOf(err, out), Histories: map[string][]string{}}
	got.Histories[x.name] = describeEvents(t, env.GetWorkflowHistory())
	for _, id := range x.children {
		got.Histories[id] = describeEvents(t, env.GetWorkflowHistoryByID(id))
	}
	return got
}

func (x equivalent) target(s step) string {
	if s.to != "" {
		return s.to
	}
	return x.startOptions().ID
}

// drive does the steps from number i on, each when the history is long enough for it.
func (x equivalent) drive(env *testsuite.TestWorkflowEnvironment, i int) {
	if i == len(x.steps) {
		return
	}
	step := x.steps[i]
	env.RegisterDelayedCallback(func() {
		if len(env.GetWorkflowHistory().Events) < step.events {
			x.drive(env, i)
			return
		}
		switch {
		case step.cancel:
			env.CancelWorkflow()
		case step.update != "":
			env.UpdateWorkflow(step.update, fmt.Sprint("update ", i), &testsuite.TestUpdateCallback{}, step.value)
		default:
			if err := env.SignalWorkflowByID(x.target(step), step.signal, step.value); err != nil {
				panic(err)
			}
		}
		x.drive(env, i+1)
	}, time.Millisecond)
}

// runIDs are the run IDs in an error's words.
var runIDs = regexp.MustCompile(`runID: [-0-9a-f]{36}`)

// outcomeOf says how a run ended, without what is another in each execution.
func outcomeOf(err error, out string) string {
	var next *workflow.ContinueAsNewError
	switch {
	case errors.As(err, &next):
		return "continued as new"
	case err != nil:
		return runIDs.ReplaceAllString(errors.Unwrap(err).Error(), "runID: *")
	}
	return out
}

// onServer runs x on a server, and replays what came of it.
func (x equivalent) onServer(t *testing.T, c client.Client) recorded {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, x.startOptions(), x.name)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range x.steps {
		events := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for range step.events {
			if _, err := events.Next(); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case step.cancel:
			err = c.CancelWorkflow(ctx, run.GetID(), run.GetRunID())
		case step.update != "":
			var handle client.WorkflowUpdateHandle
			handle, err = c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: run.GetID(), RunID: run.GetRunID(),
				UpdateID: fmt.Sprint("update ", i), UpdateName: step.update, Args: []interface{}{step.value},
				WaitForStage: client.WorkflowUpdateStageAccepted})
			if err == nil && step.value == "" {
				if handle.Get(ctx, nil) == nil {
					t.Error("the update was not rejected")
				}
			}
		default:
			err = c.SignalWorkflow(ctx, x.target(step), "", step.signal, step.value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var out string
	runID := run.GetRunID()
	err = run.GetWithOptions(ctx, &out, client.WorkflowRunGetOptions{DisableFollowingRuns: x.options.RetryPolicy == nil})
	var next *client.ContinuedAsNewError
	got := recorded{Histories: map[string][]string{}}
	if errors.As(err, &next) {
		got.Result = "continued as new"
	} else {
		got.Result, runID = outcomeOf(err, out), ""
	}
	got.Histories[x.name] = x.readHistory(ctx, t, c, run.GetID(), runID)
	for _, id := range x.children {
		got.Histories[id] = x.readHistory(ctx, t, c, id, "")
	}
	return got
}

// readHistory reads a run to its end, replays it, and describes its events.
func (x equivalent) readHistory(ctx context.Context, t *testing.T, c client.Client, id, runID string) []string {
	events := c.GetWorkflowHistory(ctx, id, runID, true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	h := &apihistory.History{}
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	r := worker.NewWorkflowReplayer()
	x.registerReplay(r)
	if err := r.ReplayWorkflowHistory(nil, h); err != nil {
		t.Errorf("replay of %s: %v", id, err)
	}
	return describeEvents(t, h)
}

func (x equivalent) registerReplay(r worker.WorkflowReplayer) {
	r.RegisterWorkflowWithOptions(x.run, workflow.RegisterOptions{Name: x.name})
	r.RegisterWorkflowWithOptions(childFlow, workflow.RegisterOptions{Name: "childFlow"})
	r.RegisterWorkflowWithOptions(waitingChild, workflow.RegisterOptions{Name: "waitingChild"})
}

// changing are the fields of events that are another in each execution: names of runs and processes, times, and how
// events were put together to transitions.
func changing() map[string]bool {
	all := map[string]bool{}
	for _, key := range []string{"eventTime", "transitionNumber", "runId", "originalExecutionRunId", "firstExecutionRunId", "newExecutionRunId",
		"continuedExecutionRunId", "identity", "asker", "time", "historySize", "startedTime", "fireTime", "namespace", "stackTrace", "emptyTransitions", "workflowExecutionExpirationTime"} {
		all[key] = true
	}
	return all
}

// describeEvents writes events as JSON without what changes.
func describeEvents(t *testing.T, h *apihistory.History) []string {
	t.Helper()
	var lines []string
	drop := changing()
	for _, e := range h.Events {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		strip(v, drop)
		if data, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(data))
	}
	return lines
}

func strip(v any, drop map[string]bool) {
	switch x := v.(type) {
	case map[string]any:
		for key, value := range x {
			if drop[key] {
				delete(x, key)
				continue
			}
			strip(value, drop)
		}
	case []any:
		for _, value := range x {
			strip(value, drop)
		}
	}
}

// TestEnvironmentDoesWhatAServerDoes runs the same workflows in the test environment and on a server, and compares
// results and histories. What the server has recorded is replayed, too; the environment replays its own.
func TestEnvironmentDoesWhatAServerDoes(t *testing.T) {
	s := startServer(t, testsuite.DevServerOptions{})
	w := worker.New(s.Client(), equivalentQueue, worker.Options{DisableEagerActivities: true, Identity: workerIdentity})
	table := equivalents()
	w.RegisterWorkflowWithOptions(childFlow, workflow.RegisterOptions{Name: "childFlow"})
	w.RegisterWorkflowWithOptions(waitingChild, workflow.RegisterOptions{Name: "waitingChild"})
	w.RegisterActivity(flow{})
	for _, x := range table {
		w.RegisterWorkflowWithOptions(x.run, workflow.RegisterOptions{Name: x.name})
	}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	t.Run("table", func(t *testing.T) {
		for _, x := range table {
			t.Run(strings.ReplaceAll(x.name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				env := x.inEnvironment(t)
				server := x.onServer(t, s.Client())
				if diff := cmp.Diff(server, env); diff != "" {
					t.Errorf("-server +environment:\n%s", diff)
				}
			})
		}
	})
}
