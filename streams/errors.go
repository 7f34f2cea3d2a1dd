package streams

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrConflict is returned when a conditional write was refused because something else was written first. Nothing
	// of this call is stored, and nothing of it will be.
	ErrConflict = errors.New("something else was written first")
	// ErrNotFound is returned when what was asked for is not stored, as far as the stream's leader knows.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable is returned when the broker gave no answer before the context or the retry budget ended. A write
	// may be stored all the same.
	ErrUnavailable = errors.New("no answer from the broker")
	// ErrTooLarge is returned when a message is larger than the broker accepts. Nothing was published.
	ErrTooLarge = errors.New("too large")
	// ErrInvalid is returned when an argument cannot be used; the error text names field, value and limit.
	ErrInvalid = errors.New("invalid argument")
	// ErrNamespaceNotFound is returned by Open for a namespace that was not created.
	ErrNamespaceNotFound = errors.New("namespace not found")
	// ErrConfiguration is returned when a stream or consumer exists with a configuration that is not ours. Nothing was
	// changed.
	ErrConfiguration = errors.New("configuration differs")
	// ErrRejected is returned when the broker refused a request for a reason that no retry changes, such as a sealed
	// stream, a full disk quota or missing permissions.
	ErrRejected = errors.New("rejected by the broker")
	// ErrDamaged is returned when a part of a run's history is missing, or is not what it was: the broker has lost it.
	ErrDamaged = errors.New("history is damaged")
	// ErrNotDeletable is returned by DeleteRun for a run that something may still ask for; the error text says what.
	ErrNotDeletable = errors.New("run cannot be deleted yet")
	// ErrClosed is returned by a Consumer or Follower that was closed.
	ErrClosed = errors.New("closed")
)

// ConflictError says which expectation was refused. It matches ErrConflict.
type ConflictError struct {
	// What was written: "record", "start", ...
	What string
	// Expected is the sequence that the writer expected to be the last, Last the one that is.
	Expected, Last uint64
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s expects sequence %d to be the last, which is %d: %v", e.What, e.Expected, e.Last, ErrConflict)
}

// Is matches ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// DamagedError says what of a run's history is damaged. It matches ErrDamaged.
type DamagedError struct {
	// Record is the number of the first record that is missing or does not fit.
	Record uint64
	// Last is the number of the last record that is there.
	Last   uint64
	Reason string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%v: record %d of %d: %s", ErrDamaged, e.Record, e.Last, e.Reason)
}

// Is matches ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// InvalidError names an argument that cannot be used. It matches ErrInvalid.
type InvalidError struct {
	Field string
	Value string
	Limit string
}

func (e *InvalidError) Error() string {
	value := e.Value
	if len(value) > 80 {
		value = strings.ToValidUTF8(value[:80], "") + "..."
	}
	return fmt.Sprintf("%s %q: must be %s", e.Field, value, e.Limit)
}

// Is matches ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Difference is one configuration field of a stream or consumer that is not as Millrace wants it. Field is its name in
// the broker's JSON; the values are JSON too, empty for "not set".
type Difference struct {
	Field  string
	Ours   string
	Theirs string
}

// ConfigurationError lists every field in which an existing object differs. It matches ErrConfiguration.
type ConfigurationError struct {
	// Object is "stream NAME" or "consumer STREAM/NAME" or "namespace NAME".
	Object      string
	Differences []Difference
}

func (e *ConfigurationError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v:", e.Object, ErrConfiguration)
	for i, d := range e.Differences {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s is %s instead of %s", d.Field, orNone(d.Theirs), orNone(d.Ours))
	}
	return b.String()
}

// Is matches ErrConfiguration.
func (e *ConfigurationError) Is(target error) bool { return target == ErrConfiguration }

func orNone(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}
