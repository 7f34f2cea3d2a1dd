package workflow

import (
	"errors"
	"fmt"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/replay"
)

var (
	// ErrCanceled is the error of a canceled Context and of what was canceled with it: a *millrace.CanceledError.
	ErrCanceled = millrace.NewCanceledError()

	// ErrDeadlineExceeded is the error of a Context whose deadline has passed: a *millrace.TimeoutError. No context of
	// this package has a deadline; it is here for those of others.
	ErrDeadlineExceeded = millrace.NewTimeoutError(enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil)

	// ErrMissingActivityOptions is returned by the future of an activity when the context has no activity options.
	ErrMissingActivityOptions = errors.New("the context has no activity options: use workflow.WithActivityOptions")

	// ErrMissingActivityTimeout is returned by the future of an activity when neither StartToCloseTimeout nor
	// ScheduleToCloseTimeout is set.
	ErrMissingActivityTimeout = errors.New("activity options: at least one of StartToCloseTimeout and ScheduleToCloseTimeout is required")

	// ErrMissingLocalActivityOptions is returned by the future of a local activity when the context has no options for
	// them.
	ErrMissingLocalActivityOptions = errors.New("the context has no local activity options: use workflow.WithLocalActivityOptions")

	// ErrMissingLocalActivityTimeout is returned by the future of a local activity when neither StartToCloseTimeout nor
	// ScheduleToCloseTimeout is set.
	ErrMissingLocalActivityTimeout = errors.New("local activity options: at least one of StartToCloseTimeout and ScheduleToCloseTimeout is required")

	// ErrNotSupported is wrapped by the errors about options that this version does not know how to honour.
	ErrNotSupported = errors.New("not supported yet")
)

// refused is the error that an author gets when a command was refused for its size: retrying would not help.
func refused(err error) error {
	var limit *replay.LimitError
	if !errors.As(err, &limit) {
		return err
	}
	kind := "InvalidArgument"
	if limit.Payload {
		kind = replay.FailureTypePayloadTooLarge
	}
	return millrace.NewNonRetryableApplicationError(err.Error(), kind, nil)
}

func notSupported(options, field string) error {
	return fmt.Errorf("%s: %s: %w", options, field, ErrNotSupported)
}
