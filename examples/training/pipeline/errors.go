package pipeline

import (
	"errors"
	"fmt"

	temporal "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

// The types of the application errors that are not retried: the same input would fail again.
const (
	// ErrTypeData says that a row of the data cannot be used; the message names line, field and value.
	ErrTypeData = "UnusableData"
	// ErrTypeRequest says that a day or range was asked for that the data or the model before it do not allow.
	ErrTypeRequest = "UnusableRequest"
)

// ErrInput is returned when the input of a workflow cannot be used.
var ErrInput = errors.New("pipeline: unusable input")

// classify makes an error final where a retry cannot help.
func classify(err error) error {
	var row *weather.RowError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &row):
		return temporal.NewNonRetryableApplicationError(err.Error(), ErrTypeData, err)
	case errors.Is(err, weather.ErrWindow), errors.Is(err, weather.ErrOutOfOrder), errors.Is(err, weather.ErrModel), errors.Is(err, ErrInput):
		return temporal.NewNonRetryableApplicationError(err.Error(), ErrTypeRequest, err)
	}
	return err
}

// maxRangeName bounds the length of a range's name, which becomes part of workflow IDs and file names.
const maxRangeName = 40

func checkRange(name string) error {
	if name == "" || len(name) > maxRangeName {
		return fmt.Errorf("range %q: %d bytes, want 1 to %d: %w", name, len(name), maxRangeName, ErrInput)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return fmt.Errorf("range %q: %q is not a-z, 0-9 or -: %w", name, r, ErrInput)
		}
	}
	return nil
}
