package millrace_test

import (
	"errors"
	"fmt"
	"testing"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/api/query"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
)

func TestPredicatesLookThroughWrapping(t *testing.T) {
	t.Parallel()
	predicates := map[string]func(error) bool{
		"application": millrace.IsApplicationError,
		"canceled":    millrace.IsCanceledError,
		"timeout":     millrace.IsTimeoutError,
		"terminated":  millrace.IsTerminatedError,
		"panic":       millrace.IsPanicError,
		"started":     millrace.IsWorkflowExecutionAlreadyStartedError,
	}
	for name, err := range map[string]error{
		"application": millrace.NewApplicationError("m", "T"),
		"canceled":    millrace.NewCanceledError(),
		"timeout":     millrace.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil),
		"terminated":  millrace.NewTerminatedError(),
		"panic":       millrace.NewPanicError("v", ""),
		"started":     serviceerror.NewWorkflowExecutionAlreadyStarted("m", "q", "r"),
		"other":       errors.New("m"),
		"nil":         nil,
	} {
		for predicate, is := range predicates {
			want := predicate == name
			if got := is(err); got != want {
				t.Errorf("%s: Is %s = %v", name, predicate, got)
			}
			if err == nil {
				continue
			}
			if got := is(fmt.Errorf("context: %w", millrace.NewActivityError(activityInfo, err))); got != want {
				t.Errorf("%s wrapped: Is %s = %v", name, predicate, got)
			}
		}
	}
}

func TestDetailsBeforeTheWire(t *testing.T) {
	t.Parallel()
	var app *millrace.ApplicationError
	errors.As(millrace.NewApplicationError("m", "T", "text", 7, nil), &app)
	var text string
	var number int
	pointer := new(int)
	if err := app.Details(&text, &number, &pointer); err != nil || text != "text" || number != 7 || pointer != nil {
		t.Errorf("got %q, %d, %v, %v", text, number, pointer, err)
	}
	text = ""
	if err := app.Details(&text); err != nil || text != "text" {
		t.Errorf("fewer targets than details: %q, %v", text, err)
	}
	if err := app.Details(&number); !errors.Is(err, converter.ErrUnableToSetValue) {
		t.Errorf("text into a number: %v", err)
	}
	if err := app.Details(text); !errors.Is(err, converter.ErrValuePtrIsNotPointer) {
		t.Errorf("no pointer: %v", err)
	}
	if err := app.Details(&text, &number, &pointer, &text); !errors.Is(err, millrace.ErrTooManyArg) {
		t.Errorf("more targets than details: %v", err)
	}
	errors.As(millrace.NewApplicationError("m", "T"), &app)
	if err := app.Details(&text); app.HasDetails() || !errors.Is(err, millrace.ErrNoData) {
		t.Errorf("no details: %v", err)
	}
}

func TestEncodedDetailsPassThrough(t *testing.T) {
	t.Parallel()
	payloads, err := converter.GetDefaultDataConverter().ToPayloads("kept")
	if err != nil {
		t.Fatal(err)
	}
	f := millrace.GetDefaultFailureConverter().ErrorToFailure(
		millrace.NewCanceledError(converter.NewEncodedValues(payloads, nil)))
	if f.CanceledFailureInfo.Details != payloads {
		t.Errorf("details = %v, want the payloads themselves", f.CanceledFailureInfo.Details)
	}
}

func TestAlreadyStartedIsFoundByValueAndByType(t *testing.T) {
	t.Parallel()
	err := millrace.NewChildWorkflowExecutionError(childInfo, &millrace.ChildWorkflowExecutionAlreadyStartedError{})
	var target *millrace.ChildWorkflowExecutionAlreadyStartedError
	if !errors.Is(err, millrace.ErrChildWorkflowExecutionAlreadyStarted) || !errors.As(err, &target) {
		t.Errorf("not found in %v", err)
	}
}

func TestWorkflowExecutionErrorNamesItsRun(t *testing.T) {
	t.Parallel()
	err := millrace.NewWorkflowExecutionError("w", "r", "Day", millrace.NewCanceledError())
	if want := "workflow execution error (type: Day, workflowID: w, runID: r): canceled"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	var run *millrace.WorkflowExecutionError
	if !errors.As(err, &run) || run.WorkflowID() != "w" || run.RunID() != "r" || run.WorkflowType() != "Day" ||
		!millrace.IsCanceledError(run.Unwrap()) {
		t.Errorf("got %+v", run)
	}
}

func TestFailureIsTheOneTheErrorWasMadeFrom(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		millrace.NewApplicationError("m", "T"), millrace.NewCanceledError(), millrace.NewTerminatedError(),
		millrace.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil), millrace.NewPanicError("v", ""), millrace.NewServerError("m", false, nil),
		millrace.NewActivityError(activityInfo, nil), millrace.NewChildWorkflowExecutionError(childInfo, nil),
	} {
		type failing interface{ Failure() *failure.Failure }
		if f := err.(failing).Failure(); f != nil {
			t.Errorf("%T before the wire has failure %+v", err, f)
		}
		received, f := send(t, millrace.GetDefaultFailureConverter(), err)
		if got := received.(failing).Failure(); got != f {
			t.Errorf("%T: failure is not the one received", err)
		}
	}
}

func TestCanceledErrorKeepsMessageAndCauseAcrossTheWire(t *testing.T) {
	t.Parallel()
	err := millrace.NewCanceledErrorWithOptions(millrace.CanceledErrorOptions{
		Message: "order withdrawn", Details: []any{7}, Cause: millrace.NewApplicationError("refused", "Refused"),
	})
	received, _ := send(t, millrace.GetDefaultFailureConverter(), fmt.Errorf("wrapped: %w", err))
	var canceled *millrace.CanceledError
	var app *millrace.ApplicationError
	if !errors.As(received, &canceled) || !errors.As(canceled.Unwrap(), &app) || app.Type() != "Refused" {
		t.Fatalf("got %v", received)
	}
	if want := "order withdrawn: refused (type: Refused, retryable: true)"; canceled.Error() != want {
		t.Errorf("got %q, want %q", canceled.Error(), want)
	}
	var n int
	if err := canceled.Details(&n); err != nil || n != 7 {
		t.Errorf("details: %d, %v", n, err)
	}
	if got := millrace.NewCanceledError().Error(); got != "canceled" {
		t.Errorf("default message %q", got)
	}
}

func TestQueryRejectedErrorNamesTheStatus(t *testing.T) {
	t.Parallel()
	err := millrace.NewQueryRejectedError(&query.QueryRejected{Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED})
	var rejected *millrace.QueryRejectedError
	if !errors.As(err, &rejected) || rejected.QueryRejected().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		t.Fatalf("got %v", err)
	}
	if want := "query rejected: the run is Completed"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
