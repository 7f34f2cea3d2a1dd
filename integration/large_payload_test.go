package integration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	large = 5 << 20
	// pieces is how many messages hold a text of that size, with its quotes, 256 KiB each.
	pieces = large/(256<<10) + 1
)

// digest stands for a text that is too long to pass around in a test.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// different texts have different content.
func longText(seed string, size int) string {
	return seed + strings.Repeat("x", size-len(seed))
}

// stored counts the messages in NATS that hold payloads, of one run, or of all for an empty workflow ID.
func (e *engine) stored(workflowID, runID string) int {
	e.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		e.Fatal(err)
	}
	s, err := js.Stream(e.ctx, "MILLRACE_default_PAYLOADS")
	if err != nil {
		e.Fatal(err)
	}
	filter := "millrace.default.payload.>"
	if workflowID != "" {
		filter = "millrace.default.payload." + workflowID + "." + runID + ".>"
	}
	info, err := s.Info(e.ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		e.Fatal(err)
	}
	return len(info.State.Subjects)
}

// recorded is the size of a run's start and records.
func (e *engine) recorded(run client.WorkflowRun) int {
	e.Helper()
	core, err := client.CoreOf(e.client)
	if err != nil {
		e.Fatal(err)
	}
	id := history.Run{WorkflowID: run.GetID(), RunID: run.GetRunID()}
	start, err := core.Streams.FindStart(e.ctx, id)
	if err != nil {
		e.Fatal(err)
	}
	loaded, err := core.Streams.Load(e.ctx, id, 0)
	if err != nil {
		e.Fatal(err)
	}
	size := len(start.Data)
	for _, r := range loaded.Records {
		size += len(r.Data)
	}
	return size
}

func (e *engine) deletePayloads(run client.WorkflowRun) {
	e.Helper()
	core, err := client.CoreOf(e.client)
	if err == nil {
		err = core.Streams.DeletePayloads(e.ctx, history.Run{WorkflowID: run.GetID(), RunID: run.GetRunID()})
	}
	if err != nil {
		e.Fatal(err)
	}
}

// largeCode passes large texts through everything that has arguments or results.
var largeWorkflows = code{
	"input and result": func(_ workflow.Context, s string) (string, error) { return s + "!", nil },
	"activity": func(ctx workflow.Context, noEager bool) (string, error) {
		o := workflow.ActivityOptions{StartToCloseTimeout: time.Minute, DisableEagerExecution: noEager}
		var s string
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), "echo", longText("a", large)).Get(ctx, &s)
		return digest(s), err
	},
	"child": func(ctx workflow.Context) (string, error) {
		var s string
		ctx = workflow.WithWorkflowID(ctx, workflow.GetInfo(ctx).WorkflowExecution.ID+" child")
		err := workflow.ExecuteChildWorkflow(ctx, "input and result", longText("c", large)).Get(ctx, &s)
		return digest(s), err
	},
	"signal": func(ctx workflow.Context) (string, error) {
		var s string
		err := errors.Join(workflow.SetQueryHandler(ctx, "echo", func(q string) (string, error) { return q + s, nil }),
			workflow.SetUpdateHandlerWithOptions(ctx, "echo", func(_ workflow.Context, u string) (string, error) { return u + s, nil },
				workflow.UpdateHandlerOptions{Validator: func(u string) error {
					if u == "" {
						return errors.New("empty")
					}
					return nil
				}}))
		workflow.GetSignalChannel(ctx, "say").Receive(ctx, &s)
		return digest(s), err
	},
	"passes on": func(ctx workflow.Context, to string) error {
		return workflow.SignalExternalWorkflow(ctx, to, "", "say", longText("p", large)).Get(ctx, nil)
	},
	"continues": func(ctx workflow.Context, s string) (string, error) {
		if s == "" {
			return "", workflow.NewContinueAsNewError(ctx, "continues", longText("n", large))
		}
		return digest(s), nil
	},
	"heartbeat": func(ctx workflow.Context) (string, error) {
		var s string
		err := workflow.ExecuteActivity(quick(ctx), "beats").Get(ctx, &s)
		return digest(s), err
	},
}

var largeActivities = code{
	"echo": func(s string) (string, error) { return s + "!", nil },
	"beats": func(ctx context.Context) (string, error) {
		if activity.GetInfo(ctx).Attempt == 1 {
			activity.RecordHeartbeat(ctx, longText("h", large))
			return "", errors.New("once more")
		}
		var s string
		return s, activity.GetHeartbeatDetails(ctx, &s)
	},
}

// TestLargePayloadsTravelOutsideHistories moves 5 MiB through everything that has arguments or results.
func TestLargePayloadsTravelOutsideHistories(t *testing.T) {
	e := newEngine(t)
	e.serve(largeWorkflows, largeActivities)
	runs := map[string]client.WorkflowRun{
		"input":     e.execute("input", "input and result", longText("i", large)),
		"eager":     e.execute("eager", "activity", false),
		"queued":    e.execute("queued", "activity", true),
		"child":     e.execute("child", "child"),
		"signal":    e.execute("signal", "signal"),
		"heartbeat": e.execute("heartbeat", "heartbeat"),
		"continues": e.execute("continues", "continues", ""),
	}
	v, err := e.client.QueryWorkflow(e.ctx, "signal", "", "echo", longText("q", large))
	var answer string
	if err == nil {
		err = v.Get(&answer)
	}
	if err != nil || answer != longText("q", large) {
		t.Errorf("query: %d bytes, %v", len(answer), err)
	}
	update := e.update(client.UpdateWorkflowOptions{WorkflowID: "signal", UpdateName: "echo", Args: []any{longText("u", large)},
		WaitForStage: client.WorkflowUpdateStageCompleted})
	if err := update.Get(e.ctx, &answer); err != nil || answer != longText("u", large) {
		t.Errorf("update: %d bytes, %v", len(answer), err)
	}
	e.signal("signal", "say", longText("s", large))
	want := map[string]string{
		"eager": digest(longText("a", large) + "!"), "queued": digest(longText("a", large) + "!"), "child": digest(longText("c", large) + "!"),
		"signal": digest(longText("s", large)), "heartbeat": digest(longText("h", large)), "continues": digest(longText("n", large)),
	}
	for name, run := range runs {
		if name == "input" {
			if got := result[string](e, run); got != longText("i", large)+"!" {
				t.Errorf("input: result has %d bytes", len(got))
			}
		} else if got := result[string](e, run); got != want[name] {
			t.Errorf("%s: the workflow saw %s, want %s", name, got, want[name])
		}
		if size := e.recorded(run); size > 16<<10 {
			t.Errorf("%s: the history has %d bytes", name, size)
		}
	}
}

// TestALargePayloadIsStoredUnderTheRunThatReceivesIt deletes those of the sender before they are read.
func TestALargePayloadIsStoredUnderTheRunThatReceivesIt(t *testing.T) {
	e := newEngine(t)
	e.serve(largeWorkflows, largeActivities)
	receiver := e.execute("receiver", "signal")
	sender := e.execute("sender", "passes on", "receiver")
	parent := e.execute("parent", "child")
	want := digest(longText("p", large))
	if got := result[string](e, receiver); got != want {
		t.Fatalf("the receiver saw %s, want %s", got, want)
	}
	result[string](e, parent)
	result[any](e, sender)
	d, err := e.client.DescribeWorkflow(e.ctx, "parent child", "")
	if err != nil {
		t.Fatal(err)
	}
	if e.stored("sender", sender.GetRunID()) == 0 {
		t.Error("nothing is stored under the sender")
	}
	e.deletePayloads(sender)
	e.deletePayloads(e.client.GetWorkflow(e.ctx, d.WorkflowExecution.ID, d.WorkflowExecution.RunID))
	e.registered["input and result"] = false // the child's own payloads are gone
	// The replays at the end of the test read what the receiver and the parent hold.
}

func TestTheSameContentIsStoredOncePerRun(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"twice": func(ctx workflow.Context, _ string) (string, error) {
		var s string
		for range 3 {
			if err := workflow.ExecuteActivity(quick(ctx), "same").Get(ctx, &s); err != nil {
				return "", err
			}
		}
		return s, nil
	}}, code{"same": func() (string, error) { return longText("same", large), nil }})
	run := e.execute("twice", "twice", longText("same", large))
	if got := result[string](e, run); got != longText("same", large) {
		t.Errorf("result has %d bytes", len(got))
	}
	if n := e.stored("twice", run.GetRunID()); n != pieces {
		t.Errorf("%d messages hold the content, want %d", n, pieces)
	}
	e.registered["twice"] = false
	e.deletePayloads(run)
	if n := e.stored("", ""); n != 0 {
		t.Errorf("%d messages are left after the deletion", n)
	}
}

func TestAWorkerThatTakesOverFetchesWhatTheHistoryRefersTo(t *testing.T) {
	e := newEngine(t)
	wf := func(ctx workflow.Context, in string) (string, error) {
		var s string
		if err := workflow.ExecuteActivity(quick(ctx), "echo", in).Get(ctx, &s); err != nil {
			return "", err
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return digest(in + s), nil
	}
	first := e.serve(code{"wf": wf}, largeActivities)
	run := e.execute("moved", "wf", longText("m", large))
	e.await("moved", "the activity to be done", func(d *client.WorkflowExecutionDescription) bool {
		return len(d.PendingActivities) == 0 && e.stored("moved", run.GetRunID()) == 2*pieces
	})
	first.Stop()
	e.serve(code{"wf": wf}, largeActivities)
	e.signal("moved", "go", nil)
	in := longText("m", large)
	if got, want := result[string](e, run), digest(in+in+"!"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestALostPayloadIsAClearError(t *testing.T) {
	e := newEngine(t)
	run := e.execute("lost", "signal")
	e.signal("lost", "say", longText("s", large))
	e.deletePayloads(run)
	e.serve(largeWorkflows, nil)
	e.await("lost", "the run to say what it lacks", func(d *client.WorkflowExecutionDescription) bool {
		return strings.Contains(d.Stuck, converter.ErrPayloadLost.Error())
	})
	e.registered["signal"], e.registered["input and result"] = false, false
	done := e.execute("done", "input and result", longText("i", large))
	result[string](e, done)
	e.deletePayloads(done)
	var s string
	if err := done.Get(e.ctx, &s); !errors.Is(err, converter.ErrPayloadLost) || !strings.Contains(err.Error(), "done") {
		t.Errorf("result that is gone: %v", err)
	}
}

func TestPayloadsOfAnUnusedStartAreDeleted(t *testing.T) {
	e := newEngine(t)
	e.serve(largeWorkflows, nil)
	first := e.execute("open", "signal")
	second := e.execute("open", "signal", longText("unused", large))
	if first.GetRunID() != second.GetRunID() {
		t.Fatal("the open run was not used")
	}
	if n := e.stored("", ""); n != 0 {
		t.Errorf("%d messages hold what nobody uses", n)
	}
	if _, err := e.client.SignalWithStartWorkflow(e.ctx, "open", "say", longText("s", large),
		client.StartWorkflowOptions{TaskQueue: queue}, "signal", longText("unused", large)); err != nil {
		t.Fatal(err)
	}
	if got, want := result[string](e, first), digest(longText("s", large)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if all, used := e.stored("", ""), e.stored("open", first.GetRunID()); all != used || used == 0 {
		t.Errorf("%d messages, of which %d are of the run", all, used)
	}
}

func TestAnotherDriverStoresPayloads(t *testing.T) {
	e := newEngine(t)
	driver := newMemoryDriver()
	o := client.Options{ExternalStorage: converter.ExternalStorage{Drivers: []converter.StorageDriver{driver}, PayloadSizeThreshold: 1000}}
	e.client = e.dialWith(o)
	w := worker.New(e.dialWith(o), queue, worker.Options{})
	register(w, largeWorkflows, largeActivities)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	in := longText("i", 2000)
	if got := result[string](e, e.execute("other", "input and result", in)); got != in+"!" {
		t.Errorf("got %d bytes", len(got))
	}
	if n := e.stored("", ""); n != 0 || driver.len() != 2 {
		t.Errorf("%d messages in NATS, %d payloads in the driver", n, driver.len())
	}
	if _, err := client.Dial(client.Options{HostPort: e.url, ExternalStorage: converter.ExternalStorage{PayloadSizeThreshold: -1}}); err == nil ||
		!strings.Contains(err.Error(), "PayloadSizeThreshold") {
		t.Errorf("negative threshold: %v", err)
	}
}

// TestArgumentsThatAreLargeTogether has none that is large by itself.
func TestArgumentsThatAreLargeTogether(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(_ workflow.Context, a, b, c, d, f, g string) (int, error) {
		return len(a) + len(b) + len(c) + len(d) + len(f) + len(g), nil
	}}, nil)
	var args []any
	for i := range 6 {
		args = append(args, longText(fmt.Sprint(i), 200<<10))
	}
	if got := result[int](e, e.execute("together", "wf", args...)); got != 6*200<<10 {
		t.Errorf("got %d bytes", got)
	}
}

// slowConverter takes longer to decode than workflow code may run.
type slowConverter struct {
	converter.DataConverter
	takes time.Duration
}

func (c slowConverter) FromPayloads(list *common.Payloads, valuePtrs ...interface{}) error {
	<-time.After(c.takes)
	return c.DataConverter.FromPayloads(list, valuePtrs...)
}

func TestASlowDataConverterIsNotTakenForBlockedCode(t *testing.T) {
	e := newEngine(t)
	const limit = 100 * time.Millisecond
	c := e.dialWith(client.Options{DataConverter: slowConverter{converter.GetDefaultDataConverter(), 4 * limit}})
	e.workOn(c, queue, worker.Options{DeadlockDetectionTimeout: limit}, func(w worker.Worker) { register(w, largeWorkflows, nil) })
	run := e.execute("slow", "input and result", "x")
	if got := result[string](e, run); got != "x!" {
		t.Errorf("got %q", got)
	}
	d, err := e.client.DescribeWorkflow(e.ctx, "slow", "")
	if err != nil || d.Stuck != "" {
		t.Errorf("the run was stuck: %q, %v", d.Stuck, err)
	}
}

// memoryDriver keeps payloads in this process.
type memoryDriver struct {
	mu     sync.Mutex // guards stored
	stored map[string]*common.Payload
}

func newMemoryDriver() *memoryDriver { return &memoryDriver{stored: map[string]*common.Payload{}} }

func (d *memoryDriver) Name() string { return "memory" }
func (d *memoryDriver) Type() string { return "memory" }

func (d *memoryDriver) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.stored)
}

func (d *memoryDriver) Store(_ converter.StorageDriverStoreContext, payloads []*common.Payload) ([]converter.StorageDriverClaim, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var claims []converter.StorageDriverClaim
	for _, p := range payloads {
		key := digest(string(p.Data))
		d.stored[key] = p
		claims = append(claims, converter.StorageDriverClaim{ClaimData: map[string]string{"key": key}})
	}
	return claims, nil
}

func (d *memoryDriver) Retrieve(_ converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var payloads []*common.Payload
	for _, c := range claims {
		p, ok := d.stored[c.ClaimData["key"]]
		if !ok {
			return nil, converter.ErrPayloadLost
		}
		payloads = append(payloads, p)
	}
	return payloads, nil
}
