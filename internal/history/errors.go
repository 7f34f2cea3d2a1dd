package history

import (
	"errors"
	"fmt"
)

// ErrNewerFormat is returned by decoders for a record that a newer version of Millrace wrote. Its reader must leave
// the record to a process that knows it.
var ErrNewerFormat = errors.New("record written by a newer version of millrace")

// UnknownError says which part of a record this version does not know. It matches ErrNewerFormat.
type UnknownError struct {
	What  string
	Value int
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s %d: %v", e.What, e.Value, ErrNewerFormat)
}

// Is matches ErrNewerFormat.
func (e *UnknownError) Is(target error) bool { return target == ErrNewerFormat }

// IllegalEventError is returned when an event does not follow from the state that it meets: a damaged or forged
// history, or an error of ours.
type IllegalEventError struct {
	Run   string
	Event Event
	// State says in which state the run, or the activity, timer or child that the event names, was.
	State string
}

func (e *IllegalEventError) Error() string {
	return fmt.Sprintf("run %s: event %v is not possible: %s", e.Run, e.Event, e.State)
}
