package millrace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
)

type lossError struct{ epoch int }

func (e *lossError) Error() string { return fmt.Sprintf("loss diverged in epoch %d", e.epoch) }

var activityInfo = failure.ActivityFailureInfo{
	ScheduledEventId: 5,
	StartedEventId:   6,
	Identity:         "worker-1",
	ActivityType:     &common.ActivityType{Name: "Train"},
	ActivityId:       "a-5",
	RetryState:       enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED,
}

var childInfo = failure.ChildWorkflowExecutionFailureInfo{
	Namespace:         "default",
	WorkflowExecution: &common.WorkflowExecution{WorkflowId: "child", RunId: "r-2"},
	WorkflowType:      &common.WorkflowType{Name: "Day"},
	InitiatedEventId:  7,
	StartedEventId:    8,
	RetryState:        enums.RETRY_STATE_NON_RETRYABLE_FAILURE,
}

// send takes an error through a failure and its bytes to the other side.
func send(t *testing.T, fc converter.FailureConverter, err error) (error, *failure.Failure) {
	t.Helper()
	data, encodeErr := msgpack.Marshal(fc.ErrorToFailure(err))
	if encodeErr != nil {
		t.Fatal(encodeErr)
	}
	f := new(failure.Failure)
	if decodeErr := msgpack.Unmarshal(data, f); decodeErr != nil {
		t.Fatal(decodeErr)
	}
	return fc.FailureToError(f), f
}

// look asserts that err is or wraps a T and describes it with show.
func look[T error](show func(T) []any) func(error) []any {
	return func(err error) []any {
		var target T
		if !errors.As(err, &target) {
			return nil
		}
		return show(target)
	}
}

func details(has bool, get func(...interface{}) error) []any {
	var text string
	var number int
	err := get(&text, &number)
	return []any{has, text, number, err != nil}
}

func TestEveryErrorKeepsItsIdentityAcrossTheWire(t *testing.T) {
	t.Parallel()
	base := millrace.NewApplicationErrorWithOptions("bad row", "DataError", millrace.ApplicationErrorOptions{
		NonRetryable:   true,
		Cause:          millrace.NewApplicationError("no such file", "NotExist"),
		Details:        []interface{}{"2012-01-01", 7},
		NextRetryDelay: 1500 * time.Millisecond,
		Category:       millrace.ApplicationErrorCategoryBenign,
	})
	application := look(func(e *millrace.ApplicationError) []any {
		return append(details(e.HasDetails(), e.Details), e.Message(), e.Type(), e.NonRetryable(), e.NextRetryDelay(),
			e.Category(), e.Unwrap().Error())
	})
	tests := []struct {
		name string
		err  error
		text string
		look func(error) []any
	}{
		{
			"application", base,
			"bad row (type: DataError, retryable: false): no such file (type: NotExist, retryable: true)", application,
		},
		{
			"timeout", millrace.NewTimeoutError(enums.TIMEOUT_TYPE_START_TO_CLOSE, base, "beat", 3),
			"StartToClose timeout (type: StartToClose): bad row (type: DataError, retryable: false): no such file (type: NotExist, retryable: true)",
			look(func(e *millrace.TimeoutError) []any {
				return append(details(e.HasLastHeartbeatDetails(), e.LastHeartbeatDetails), e.TimeoutType(), e.Message())
			}),
		},
		{
			"heartbeat", millrace.NewHeartbeatTimeoutError("beat", 3), "heartbeat timeout (type: Heartbeat)",
			look(func(e *millrace.TimeoutError) []any {
				return append(details(e.HasLastHeartbeatDetails(), e.LastHeartbeatDetails), e.TimeoutType())
			}),
		},
		{
			"canceled", millrace.NewCanceledError("half", 50), "canceled",
			look(func(e *millrace.CanceledError) []any { return details(e.HasDetails(), e.Details) }),
		},
		{
			"canceled without details", millrace.NewCanceledError(), "canceled",
			look(func(e *millrace.CanceledError) []any { return details(e.HasDetails(), e.Details) }),
		},
		{
			"terminated", millrace.NewTerminatedError(), "terminated",
			look(func(e *millrace.TerminatedError) []any { return []any{e.Error()} }),
		},
		{
			"panic", millrace.NewPanicError("index out of range", "goroutine 1 [running]"), "index out of range",
			look(func(e *millrace.PanicError) []any { return []any{e.StackTrace()} }),
		},
		{
			"server", millrace.NewServerError("no history", true, base),
			"no history: bad row (type: DataError, retryable: false): no such file (type: NotExist, retryable: true)",
			look(func(e *millrace.ServerError) []any { return []any{e.Message(), e.Unwrap().Error()} }),
		},
		{
			"activity", millrace.NewActivityError(activityInfo, millrace.NewCanceledError()),
			"activity error (type: Train, scheduledEventID: 5, startedEventID: 6, identity: worker-1): canceled",
			look(func(e *millrace.ActivityError) []any {
				return []any{e.ScheduledEventID(), e.StartedEventID(), e.Identity(), e.ActivityType(), e.ActivityID(), e.RetryState()}
			}),
		},
		{
			"child", millrace.NewChildWorkflowExecutionError(childInfo, millrace.NewTerminatedError()),
			"child workflow execution error (type: Day, workflowID: child, runID: r-2, initiatedEventID: 7, startedEventID: 8): terminated",
			look(func(e *millrace.ChildWorkflowExecutionError) []any {
				return []any{e.Namespace(), e.WorkflowID(), e.RunID(), e.WorkflowType(), e.InitiatedEventID(), e.StartedEventID(), e.RetryState()}
			}),
		},
		{
			"deep in a chain", millrace.NewChildWorkflowExecutionError(childInfo, millrace.NewActivityError(activityInfo, base)),
			"child workflow execution error (type: Day, workflowID: child, runID: r-2, initiatedEventID: 7, startedEventID: 8): " +
				"activity error (type: Train, scheduledEventID: 5, startedEventID: 6, identity: worker-1): " +
				"bad row (type: DataError, retryable: false): no such file (type: NotExist, retryable: true)",
			application,
		},
	}
	converters := map[string]converter.FailureConverter{
		"plain":   millrace.GetDefaultFailureConverter(),
		"encoded": millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{EncodeCommonAttributes: true}),
		"msgpack": millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{
			DataConverter: converter.NewCompositeDataConverter(converter.NewMsgpackPayloadConverter()),
		}),
	}
	for _, tt := range tests {
		for name, fc := range converters {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				if got := tt.err.Error(); got != tt.text {
					t.Errorf("text before = %q, want %q", got, tt.text)
				}
				want := tt.look(tt.err)
				if want == nil {
					t.Fatalf("%T is not what the test looks for", tt.err)
				}
				got, first := send(t, fc, tt.err)
				if got.Error() != tt.text {
					t.Errorf("text after = %q, want %q", got.Error(), tt.text)
				}
				if d := cmp.Diff(want, tt.look(got)); d != "" {
					t.Errorf("before and after differ: %s", d)
				}
				again, second := send(t, fc, fmt.Errorf("seen: %w", got))
				if d := cmp.Diff(first, second.Cause); d != "" {
					t.Errorf("failure changed on its second way: %s", d)
				}
				if d := cmp.Diff(want, tt.look(errors.Unwrap(again))); d != "" {
					t.Errorf("error changed on its second way: %s", d)
				}
			})
		}
	}
}

// Errors of other types become application errors that a retry policy can name.
func TestOtherErrorsBecomeApplicationErrors(t *testing.T) {
	t.Parallel()
	var none *lossError
	self := &selfError{}
	self.next = self
	tests := []struct {
		name, errType, message string
		err                    error
	}{
		{"errors.New", "", "EOF", io.EOF},
		{"pointer", "lossError", "loss diverged in epoch 3", &lossError{3}},
		{"wrapped", "wrapError", "train: EOF", fmt.Errorf("train: %w", io.EOF)},
		{"joined", "joinError", "EOF\nloss diverged in epoch 1", errors.Join(io.EOF, &lossError{1})},
		{"nil pointer", "lossError", "nil *millrace_test.lossError", none},
		{"nil pointer of ours", "ApplicationError", "nil *millrace.ApplicationError", (*millrace.ApplicationError)(nil)},
		{"panicking Error", "panicError", "%!v(PANIC=Error method: no text)", panicError{}},
		{"wrapping itself", "selfError", "self", self},
		{"already started", "ChildWorkflowExecutionAlreadyStartedError", "child workflow execution already started",
			millrace.ErrChildWorkflowExecutionAlreadyStarted},
		{"unknown external", "UnknownExternalWorkflowExecutionError", "unknown external workflow execution",
			&millrace.UnknownExternalWorkflowExecutionError{}},
		{"namespace", "NamespaceNotFoundError", "namespace not found", &millrace.NamespaceNotFoundError{}},
		{"run", "WorkflowExecutionError", "workflow execution error (type: Day, workflowID: w, runID: r): terminated",
			millrace.NewWorkflowExecutionError("w", "r", "Day", millrace.NewTerminatedError())},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := send(t, millrace.GetDefaultFailureConverter(), tt.err)
			var app *millrace.ApplicationError
			if !errors.As(got, &app) {
				t.Fatalf("got %T, want *ApplicationError", got)
			}
			if app.Type() != tt.errType || app.Message() != tt.message || app.NonRetryable() {
				t.Errorf("got %q, %q, nonRetryable %v; want %q, %q", app.Type(), app.Message(), app.NonRetryable(), tt.errType, tt.message)
			}
		})
	}
}

type panicError struct{}

func (panicError) Error() string { panic("no text") }

type selfError struct{ next error }

func (e *selfError) Error() string { return "self" }
func (e *selfError) Unwrap() error { return e.next }

func TestCausesSurviveOtherErrorsInBetween(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("day 3: %w", millrace.NewActivityError(activityInfo, &lossError{2}))
	got, _ := send(t, millrace.GetDefaultFailureConverter(), err)
	var activity *millrace.ActivityError
	if !errors.As(got, &activity) || activity.ActivityID() != "a-5" {
		t.Fatalf("no activity error in %v", got)
	}
	var app *millrace.ApplicationError
	if !errors.As(activity, &app) || app.Type() != "lossError" {
		t.Fatalf("no application error of type lossError in %v", activity)
	}
}

func TestNilStaysNil(t *testing.T) {
	t.Parallel()
	for _, encode := range []bool{false, true} {
		fc := millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{EncodeCommonAttributes: encode})
		if f := fc.ErrorToFailure(nil); f != nil {
			t.Errorf("failure of nil = %v", f)
		}
		if err := fc.FailureToError(nil); err != nil {
			t.Errorf("error of nil = %v", err)
		}
	}
}

func TestUnknownFailureBecomesRetryableApplicationError(t *testing.T) {
	t.Parallel()
	err := millrace.GetDefaultFailureConverter().FailureToError(&failure.Failure{Message: "from the future"})
	var app *millrace.ApplicationError
	if !errors.As(err, &app) || app.NonRetryable() || app.Error() != "from the future" {
		t.Errorf("got %T %v", err, err)
	}
}

func TestPartsWithoutAFieldSurvive(t *testing.T) {
	t.Parallel()
	fc := millrace.GetDefaultFailureConverter()
	want := &failure.Failure{
		Message:               "terminated by operator",
		Source:                "OtherSDK",
		StackTrace:            "at main.ts:3",
		TerminatedFailureInfo: &failure.TerminatedFailureInfo{Identity: "ops@host"},
		Cause:                 &failure.Failure{Message: "why"},
	}
	if d := cmp.Diff(want, fc.ErrorToFailure(fc.FailureToError(want))); d != "" {
		t.Error(d)
	}
}

func TestEncodedAttributesHideEveryText(t *testing.T) {
	t.Parallel()
	fc := millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{EncodeCommonAttributes: true})
	f := fc.ErrorToFailure(millrace.NewApplicationErrorWithCause("secret one", "T", millrace.NewPanicError("secret two", "secret stack")))
	for link := f; link != nil; link = link.Cause {
		if link.Message != "Encoded failure" || link.StackTrace != "" || link.EncodedAttributes == nil {
			t.Errorf("message %q, stack %q, attributes %v", link.Message, link.StackTrace, link.EncodedAttributes)
		}
	}
	if err := fc.FailureToError(f); err.Error() != "secret one (type: T, retryable: true): secret two" {
		t.Errorf("decoded: %v", err)
	}
	if f.Message != "Encoded failure" {
		t.Error("FailureToError changed the failure")
	}

	broken := millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{
		DataConverter: converter.NewCompositeDataConverter(), EncodeCommonAttributes: true,
	})
	if f := broken.ErrorToFailure(errors.New("secret")); strings.Contains(fmt.Sprintf("%+v", *f), "secret") {
		t.Errorf("text leaks when it cannot be encoded: %+v", *f)
	}
	err := broken.FailureToError(f)
	if !strings.HasPrefix(err.Error(), "Encoded failure (") {
		t.Errorf("what cannot be decoded: %v", err)
	}
	if d := cmp.Diff(f.EncodedAttributes, broken.ErrorToFailure(err).EncodedAttributes); d != "" {
		t.Errorf("what cannot be decoded is lost: %s", d)
	}
}

func TestDetailsThatCannotBeEncodedAreToldOf(t *testing.T) {
	t.Parallel()
	f := millrace.GetDefaultFailureConverter().ErrorToFailure(millrace.NewApplicationError("bad", "T", make(chan int)))
	if !strings.HasPrefix(f.Message, "bad (details left out: ") || f.ApplicationFailureInfo.Details != nil {
		t.Errorf("message %q, details %v", f.Message, f.ApplicationFailureInfo.Details)
	}
}

func TestLongChainsAreCut(t *testing.T) {
	t.Parallel()
	var f *failure.Failure
	for range 200_000 {
		f = &failure.Failure{Message: "m", Cause: f}
	}
	n := 0
	for err := millrace.GetDefaultFailureConverter().FailureToError(f); err != nil; err = errors.Unwrap(err) {
		n++
	}
	if n != 100 {
		t.Errorf("%d errors, want 100", n)
	}
}

// FuzzFailureToError holds that any failure becomes an error with a text, and comes back as it was.
func FuzzFailureToError(f *testing.F) {
	f.Add([]byte(`{"message":"m","applicationFailureInfo":{"type":"PanicError","details":{"payloads":[null,{"data":"AA=="}]}}}`))
	f.Add([]byte(`{"encodedAttributes":{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"e30="},"cause":{"timeoutFailureInfo":{}}}`))
	f.Add([]byte(`{"activityFailureInfo":{"activityType":null},"cause":{"childWorkflowExecutionFailureInfo":{},"cause":{"canceledFailureInfo":{}}}}`))
	f.Add([]byte(`{"serverFailureInfo":{},"terminatedFailureInfo":{}}`))
	fc := millrace.GetDefaultFailureConverter()
	f.Fuzz(func(t *testing.T, data []byte) {
		fail := new(failure.Failure)
		if json.Unmarshal(data, fail) != nil {
			return
		}
		before := *fail
		err := fc.FailureToError(fail)
		if err == nil {
			t.Fatal("no error")
		}
		_ = err.Error()
		for link := err; link != nil; link = errors.Unwrap(link) {
			if d, ok := link.(interface{ Details(...interface{}) error }); ok {
				_ = d.Details(new(string), new(any))
			}
		}
		if d := cmp.Diff(before, *fail); d != "" {
			t.Fatalf("failure changed: %s", d)
		}
		if fail.EncodedAttributes == nil && fail.Cause == nil {
			if d := cmp.Diff(fail, fc.ErrorToFailure(err)); d != "" {
				t.Fatalf("failure did not come back: %s", d)
			}
		}
	})
}
