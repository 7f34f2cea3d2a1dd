package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
)

// alone are the activities of the tests, which no workflow calls.
type alone struct{ begun chan string }

func (a *alone) Join(_ context.Context, words []string, by string) (string, error) {
	return strings.Join(words, by), nil
}

func (a *alone) Quiet(context.Context) error { return nil }

func (a *alone) Fail(context.Context) error {
	return millrace.NewNonRetryableApplicationError("it cannot be done", "Impossible", nil, 42)
}

func (a *alone) Slow(ctx context.Context) error {
	a.begun <- activity.GetInfo(ctx).ActivityRunID
	beat := time.NewTicker(20 * time.Millisecond) // a heartbeat is answered by the request to cancel
	defer beat.Stop()
	for {
		activity.RecordHeartbeat(ctx, "half")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
		}
	}
}

func (a *alone) Later(ctx context.Context) error {
	info := activity.GetInfo(ctx)
	if info.IsWorkflowActivity() || info.WorkflowType != nil {
		return fmt.Errorf("info is %+v", info)
	}
	a.begun <- info.ActivityRunID
	return activity.ErrResultPending
}

// newAlone is a server whose worker runs the activities and no workflows.
func newAlone(t *testing.T, o client.Options) (client.Client, *alone) {
	t.Helper()
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{ClientOptions: &o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	a := &alone{begun: make(chan string, 10)}
	w := worker.New(server.Client(), queue, worker.Options{DefaultHeartbeatThrottleInterval: 50 * time.Millisecond,
		MaxHeartbeatThrottleInterval: 50 * time.Millisecond})
	w.RegisterActivity(a)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return server.Client(), a
}

func aloneOptions(id string) client.StartActivityOptions {
	return client.StartActivityOptions{ID: id, TaskQueue: queue, StartToCloseTimeout: time.Minute}
}

func TestAnActivityWithoutAWorkflow(t *testing.T) {
	c, a := newAlone(t, client.Options{})
	ctx := t.Context()
	o := aloneOptions("join")
	o.Summary, o.Details = "joins words", "one after the other"
	h, err := c.ExecuteActivity(ctx, o, a.Join, []string{"a", "b"}, strings.Repeat("-", 300<<10))
	if err != nil {
		t.Fatal(err)
	}
	var joined string
	if err := h.Get(ctx, &joined); err != nil || len(joined) != 300<<10+2 {
		t.Fatalf("result has %d bytes (%v)", len(joined), err)
	}
	d, err := c.GetActivityHandle(client.GetActivityHandleOptions{ActivityID: "join"}).Describe(ctx, client.DescribeActivityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	summary, _ := d.GetSummary()
	details, _ := d.GetDetails()
	if d.Status != enums.ACTIVITY_EXECUTION_STATUS_COMPLETED || d.ActivityType != "Join" || d.TaskQueue != queue || d.CloseTime.IsZero() ||
		d.ActivityRunID != h.GetRunID() || summary != o.Summary || details != o.Details || d.GetLastFailure() != nil {
		t.Errorf("described %+v", d)
	}

	if h, err = c.ExecuteActivity(ctx, aloneOptions("quiet"), "Quiet"); err == nil {
		err = h.Get(ctx, &joined)
	}
	if err != nil {
		t.Errorf("without a result: %v", err)
	}

	if h, err = c.ExecuteActivity(ctx, aloneOptions("fail"), a.Fail); err != nil {
		t.Fatal(err)
	}
	var failed *millrace.ApplicationError
	var detail int
	if err := h.Get(ctx, nil); !errors.As(err, &failed) || failed.Type() != "Impossible" || failed.Details(&detail) != nil || detail != 42 {
		t.Errorf("error is %v with %d", err, detail)
	}
	d, err = h.Describe(ctx, client.DescribeActivityOptions{})
	if err != nil || d.Status != enums.ACTIVITY_EXECUTION_STATUS_FAILED || !errors.As(d.GetLastFailure(), &failed) {
		t.Errorf("described %+v, %v", d, err)
	}

	o = aloneOptions("nobody")
	o.TaskQueue, o.ScheduleToStartTimeout = "nobody", 50*time.Millisecond
	if h, err = c.ExecuteActivity(ctx, o, a.Quiet); err != nil {
		t.Fatal(err)
	}
	var late *millrace.TimeoutError
	if err := h.Get(ctx, nil); !errors.As(err, &late) || late.TimeoutType() != enums.TIMEOUT_TYPE_SCHEDULE_TO_START {
		t.Errorf("error is %v", err)
	}
	if d, err := h.Describe(ctx, client.DescribeActivityOptions{}); err != nil || d.Status != enums.ACTIVITY_EXECUTION_STATUS_TIMED_OUT {
		t.Errorf("described %+v, %v", d, err)
	}
}

// describeBeating describes an activity once its first heartbeat has been stored, by which a first attempt is known.
func describeBeating(t *testing.T, h client.ActivityHandle) *client.ActivityExecutionDescription {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		d, err := h.Describe(ctx, client.DescribeActivityOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if d.HasHeartbeatDetails() {
			return d
		}
	}
}

func TestAnActivityWithoutAWorkflowIsStoppedAndCompletedFromOutside(t *testing.T) {
	c, a := newAlone(t, client.Options{})
	ctx := t.Context()
	begin := func(id string, fn any) client.ActivityHandle {
		t.Helper()
		o := aloneOptions(id)
		o.HeartbeatTimeout = 10 * time.Second
		h, err := c.ExecuteActivity(ctx, o, fn)
		if err != nil {
			t.Fatal(err)
		}
		if run := <-a.begun; run != h.GetRunID() {
			t.Fatalf("the activity is told run %q, want %q", run, h.GetRunID())
		}
		return h
	}
	canceled := begin("canceled", a.Slow)
	var already *serviceerror.ActivityExecutionAlreadyStarted
	if _, err := c.ExecuteActivity(ctx, aloneOptions("canceled"), a.Slow); !errors.As(err, &already) || already.RunId != canceled.GetRunID() {
		t.Errorf("another one of the same ID: %v", err)
	}
	o := aloneOptions("canceled")
	o.ActivityIDConflictPolicy = enums.ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING
	if h, err := c.ExecuteActivity(ctx, o, a.Slow); err != nil || h.GetRunID() != canceled.GetRunID() {
		t.Errorf("the existing one: %v", err)
	}
	d := describeBeating(t, canceled)
	var said string
	if d.Status != enums.ACTIVITY_EXECUTION_STATUS_RUNNING || d.RunState != enums.PENDING_ACTIVITY_STATE_STARTED || d.Attempt != 1 ||
		d.LastStartedTime.IsZero() {
		t.Errorf("described %+v", d)
	}
	if d.GetHeartbeatDetails(&said) != nil || said != "half" {
		t.Errorf("details are %q", said)
	}
	if err := canceled.Cancel(ctx, client.CancelActivityOptions{Reason: "no longer needed"}); err != nil {
		t.Fatal(err)
	}
	var stopped *millrace.CanceledError
	if err := canceled.Get(ctx, nil); !errors.As(err, &stopped) {
		t.Errorf("canceled: %v", err)
	}
	o = aloneOptions("canceled")
	o.ActivityIDReusePolicy = enums.ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE
	if _, err := c.ExecuteActivity(ctx, o, a.Slow); !errors.As(err, &already) {
		t.Errorf("a used ID: %v", err)
	}

	terminated := begin("terminated", a.Slow)
	var ended *millrace.TerminatedError
	if err := terminated.Terminate(ctx, client.TerminateActivityOptions{Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	if err := terminated.Get(ctx, nil); !errors.As(err, &ended) {
		t.Errorf("terminated: %v", err)
	}

	completed := begin("completed", a.Later)
	if err := c.CompleteActivityByActivityIDWithOptions(ctx, client.CompleteActivityByActivityIDOptions{ActivityID: "completed", Result: "from outside"}); err != nil {
		t.Fatal(err)
	}
	if err := completed.Get(ctx, &said); err != nil || said != "from outside" {
		t.Errorf("completed with %q, %v", said, err)
	}
	var gone *serviceerror.NotFound
	if err := c.GetActivityHandle(client.GetActivityHandleOptions{ActivityID: "absent"}).Get(ctx, nil); !errors.As(err, &gone) {
		t.Errorf("an absent activity: %v", err)
	}
}

func TestWrongActivityOptionsAreRefused(t *testing.T) {
	t.Parallel()
	c, err := client.NewLazyClient(client.Options{HostPort: setup(t).url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for field, change := range map[string]func(o *client.StartActivityOptions){
		"ID":                       func(o *client.StartActivityOptions) { o.ID = "" },
		"TaskQueue":                func(o *client.StartActivityOptions) { o.TaskQueue = "" },
		"StartToCloseTimeout":      func(o *client.StartActivityOptions) { o.StartToCloseTimeout = 0 },
		"HeartbeatTimeout":         func(o *client.StartActivityOptions) { o.HeartbeatTimeout = -1 },
		"ActivityIDConflictPolicy": func(o *client.StartActivityOptions) { o.ActivityIDConflictPolicy = 9 },
		"ActivityIDReusePolicy":    func(o *client.StartActivityOptions) { o.ActivityIDReusePolicy = 9 },
	} {
		o := aloneOptions("a")
		change(&o)
		var invalid *serviceerror.InvalidArgument
		if _, err := c.ExecuteActivity(t.Context(), o, "Quiet"); !errors.As(err, &invalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// watcher notes the calls that concern activities and gives them a word to take along.
type watcher struct {
	interceptor.InterceptorBase
	calls []string
	words chan string
}

func (w *watcher) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &watchedClient{interceptor.ClientOutboundInterceptorBase{Next: next}, w}
}

type watchedClient struct {
	interceptor.ClientOutboundInterceptorBase
	w *watcher
}

func (c *watchedClient) ExecuteActivity(ctx context.Context, in *interceptor.ClientExecuteActivityInput) (client.ActivityHandle, error) {
	c.w.calls = append(c.w.calls, "execute "+in.ActivityType)
	interceptor.Header(ctx)["word"] = &common.Payload{Data: []byte("please")}
	return c.Next.ExecuteActivity(ctx, in)
}

func (c *watchedClient) PollActivityResult(ctx context.Context, in *interceptor.ClientPollActivityResultInput) (*interceptor.ClientPollActivityResultOutput, error) {
	c.w.calls = append(c.w.calls, "poll "+in.ActivityID)
	return c.Next.PollActivityResult(ctx, in)
}

func (c *watchedClient) DescribeActivity(ctx context.Context, in *interceptor.ClientDescribeActivityInput) (*interceptor.ClientDescribeActivityOutput, error) {
	c.w.calls = append(c.w.calls, "describe "+in.ActivityID)
	return c.Next.DescribeActivity(ctx, in)
}

func (w *watcher) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &watchedActivity{interceptor.ActivityInboundInterceptorBase{Next: next}, w}
}

type watchedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	w *watcher
}

func (a *watchedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (interface{}, error) {
	a.w.words <- string(interceptor.Header(ctx)["word"].GetData())
	return a.Next.ExecuteActivity(ctx, in)
}

func TestInterceptorsSeeActivitiesWithoutAWorkflow(t *testing.T) {
	w := &watcher{words: make(chan string, 1)}
	c, a := newAlone(t, client.Options{Interceptors: []client.Interceptor{w}})
	h, err := c.ExecuteActivity(t.Context(), aloneOptions("quiet"), a.Quiet)
	if err == nil {
		err = h.Get(t.Context(), nil)
	}
	if err == nil {
		_, err = c.GetActivityHandle(client.GetActivityHandleOptions{ActivityID: "quiet"}).Describe(t.Context(), client.DescribeActivityOptions{})
	}
	if got := fmt.Sprint(w.calls, <-w.words); err != nil || got != "[execute Quiet poll quiet describe quiet]please" {
		t.Errorf("calls are %s, %v", got, err)
	}
}
