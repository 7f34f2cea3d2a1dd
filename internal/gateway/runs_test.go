package gateway_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/workflow"
)

// conversation does what it is told by signals and updates, and tells of it to queries.
func conversation(ctx workflow.Context) ([]string, error) {
	var said []string
	if err := workflow.SetQueryHandler(ctx, "said", func(prefix string) ([]string, error) {
		if prefix == "fail" {
			return nil, errors.New("asked to fail")
		}
		return said, nil
	}); err != nil {
		return nil, err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, "say", func(ctx workflow.Context, word string) (int, error) {
		if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
		said = append(said, word)
		return len(said), nil
	}, workflow.UpdateHandlerOptions{Validator: func(word string) error {
		if word == "" {
			return errors.New("nothing to say")
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	for {
		var word string
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(workflow.GetSignalChannel(ctx, "hear"), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &word) })
		selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
		selector.Select(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if word == "end" {
			return said, nil
		}
		said = append(said, word)
	}
}

func TestATenantTalksToARun(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	c := f.tenant(alice)
	options := client.StartWorkflowOptions{TaskQueue: "main", Memo: map[string]any{"who": "alice"}, StaticSummary: "talk"}
	run, err := c.SignalWithStartWorkflow(f.ctx, "talk", "hear", "one", options, conversation)
	f.ok(err)
	again, err := c.SignalWithStartWorkflow(f.ctx, "talk", "hear", "two", options, conversation)
	f.ok(err)
	if again.GetRunID() != run.GetRunID() {
		t.Errorf("runs %s and %s", run.GetRunID(), again.GetRunID())
	}
	f.ok(c.SignalWorkflow(f.ctx, "talk", "", "hear", "three"))

	u, err := c.UpdateWorkflow(f.ctx, client.UpdateWorkflowOptions{WorkflowID: "talk", UpdateID: "u", UpdateName: "say", Args: []any{"four"},
		WaitForStage: client.WorkflowUpdateStageAccepted})
	f.ok(err)
	var n int
	f.ok(u.Get(f.ctx, &n))
	if n != 4 || u.RunID() != run.GetRunID() {
		t.Errorf("update of run %s returns %d", u.RunID(), n)
	}
	f.ok(c.GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions{WorkflowID: "talk", UpdateID: "u"}).Get(f.ctx, &n))
	u, err = c.UpdateWorkflow(f.ctx, client.UpdateWorkflowOptions{WorkflowID: "talk", UpdateName: "say", Args: []any{""},
		WaitForStage: client.WorkflowUpdateStageCompleted})
	f.ok(err)
	if err := u.Get(f.ctx, nil); err == nil || !strings.Contains(err.Error(), "nothing to say") {
		t.Errorf("rejected update: %v", err)
	}

	v, err := c.QueryWorkflow(f.ctx, "talk", "", "said", "")
	f.ok(err)
	var said []string
	f.ok(v.Get(&said))
	if want := []string{"one", "two", "three", "four"}; !reflect.DeepEqual(said, want) {
		t.Errorf("said %v", said)
	}
	if _, err := c.QueryWorkflow(f.ctx, "talk", "", "said", "fail"); !isA[*serviceerror.QueryFailed](err) {
		t.Errorf("failing query: %v", err)
	}

	d, err := f.tenant(vera).DescribeWorkflow(f.ctx, "talk", "")
	f.ok(err)
	if d.WorkflowExecution.RunID != run.GetRunID() || d.WorkflowType.Name != "conversation" || d.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING ||
		d.StaticSummary != "talk" || len(d.Memo.GetFields()) != 1 {
		t.Errorf("description %+v", d)
	}

	f.ok(c.SignalWorkflow(f.ctx, "talk", run.GetRunID(), "hear", "end"))
	f.ok(run.Get(f.ctx, &said))
	if len(said) != 4 {
		t.Errorf("said %v", said)
	}
	if err := c.SignalWorkflow(f.ctx, "talk", "", "hear", "late"); !isA[*serviceerror.NotFound](err) {
		t.Errorf("signal to a closed run: %v", err)
	}
}

func TestATenantEndsRuns(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	c := f.tenant(alice)
	start := func(id string) client.WorkflowRun {
		run, err := c.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "main"}, conversation)
		f.ok(err)
		return run
	}
	run := start("terminated")
	f.ok(c.TerminateWorkflow(f.ctx, "terminated", "", "enough", "detail"))
	if err := run.Get(f.ctx, nil); !isA[*millrace.TerminatedError](err) {
		t.Errorf("terminated run: %v", err)
	}
	run = start("canceled")
	f.ok(c.CancelWorkflow(f.ctx, "canceled", run.GetRunID()))
	if err := run.Get(f.ctx, nil); !isA[*millrace.CanceledError](err) {
		t.Errorf("canceled run: %v", err)
	}
	start("open")
	options := client.StartWorkflowOptions{ID: "open", TaskQueue: "main", WorkflowExecutionErrorWhenAlreadyStarted: true}
	if _, err := c.ExecuteWorkflow(f.ctx, options, conversation); !isA[*serviceerror.WorkflowExecutionAlreadyStarted](err) {
		t.Errorf("second start: %v", err)
	}
	f.ok(c.TerminateWorkflow(f.ctx, "open", "", ""))
}

func TestUpdateWithStartThroughAGateway(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	c := f.tenant(alice)
	for i := range 2 {
		op := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{ID: "talk", TaskQueue: "main",
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}, conversation)
		u, err := c.UpdateWithStartWorkflow(f.ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: op,
			UpdateOptions: client.UpdateWorkflowOptions{UpdateName: "say", Args: []any{"x"}, WaitForStage: client.WorkflowUpdateStageCompleted}})
		f.ok(err)
		var n int
		f.ok(u.Get(f.ctx, &n))
		if n != i+1 {
			t.Errorf("update %d returns %d", i, n)
		}
	}
}

func TestAGatewaySaysWhatItDoesNotOffer(t *testing.T) {
	f := setup(t)
	c := f.tenant(alice)
	refused := func(what string, err error) {
		t.Helper()
		if !isA[*serviceerror.Unimplemented](err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := c.GetWorkflowHistory(f.ctx, "w", "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	refused("GetWorkflowHistory", err)
	_, err = c.ScheduleClient().Create(f.ctx, client.ScheduleOptions{ID: "s", Action: &client.ScheduleWorkflowAction{Workflow: greet, TaskQueue: "main"}})
	refused("ScheduleClient", err)
	_, err = c.WorkerDeploymentClient().GetHandle("d").Describe(f.ctx, client.WorkerDeploymentDescribeOptions{})
	refused("WorkerDeploymentClient", err)
	refused("CompleteActivityByID", c.CompleteActivityByID(f.ctx, "", "w", "", "a", nil, nil))
	_, err = c.ExecuteActivity(f.ctx, client.StartActivityOptions{ID: "a", TaskQueue: "pay", StartToCloseTimeout: time.Second}, "pay")
	refused("ExecuteActivity", err)
	refused("ActivityHandle", c.GetActivityHandle(client.GetActivityHandleOptions{ActivityID: "a"}).Get(f.ctx, nil))
	_, err = client.NewAdmin(c)
	refused("NewAdmin", err)
}

// TestNoMethodOfAGatewaysClientLooksForStreams calls every method of the interface with nothing, on a context that is over: a
// method that is missing for gateways would go to streams that are not there, and panic.
func TestNoMethodOfAGatewaysClientLooksForStreams(t *testing.T) {
	f := setup(t)
	c := f.tenant(alice)
	over, cancel := f.over()
	defer cancel()
	v := reflect.ValueOf(c)
	typ := reflect.TypeFor[client.Client]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if m.Name == "Close" {
			continue
		}
		var args []reflect.Value
		for in := range m.Type.Ins() {
			switch {
			case in == reflect.TypeOf(&over).Elem() || in.String() == "context.Context":
				args = append(args, reflect.ValueOf(over))
			case in.Kind() == reflect.Pointer:
				args = append(args, reflect.New(in.Elem()))
			default:
				args = append(args, reflect.Zero(in))
			}
		}
		if m.Type.IsVariadic() {
			args = args[:len(args)-1]
		}
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s panics: %v", m.Name, p)
				}
			}()
			v.MethodByName(m.Name).Call(args)
		}()
	}
}

func TestPayloadsThatAreTooLargeAreRefusedAndLargeOnesPass(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	c := f.tenant(alice)
	options := client.StartWorkflowOptions{TaskQueue: "main"}
	large := strings.Repeat("x", 400<<10) // more than messages keep
	run, err := c.ExecuteWorkflow(f.ctx, options, greet, large)
	f.ok(err)
	if got := f.result(run); got != fmt.Sprintf("Hello, %s!", large) {
		t.Errorf("result has %d bytes", len(got))
	}
	if _, err := c.ExecuteWorkflow(f.ctx, options, greet, strings.Repeat("x", 600<<10)); !isA[*serviceerror.InvalidArgument](err) {
		t.Errorf("start with 600 KiB: %v", err)
	}
}
