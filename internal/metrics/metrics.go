// Package metrics says what the library tells about itself in numbers, and to whom. Users know its types under the names
// that package client gives them.
package metrics

import "time"

// Handler makes metrics. Two of the same kind, name and tags are one. Implementations are safe for concurrent use and do
// not block.
type Handler interface {
	// WithTags returns a handler that adds tags to those of its own; of equal keys the new value counts. The map is not
	// changed and not kept.
	WithTags(tags map[string]string) Handler
	// Counter returns the counter of the given name.
	Counter(name string) Counter
	// Gauge returns the gauge of the given name.
	Gauge(name string) Gauge
	// Timer returns the timer of the given name.
	Timer(name string) Timer
}

// Counter counts.
type Counter interface {
	// Inc adds incr.
	Inc(incr int64)
}

// Gauge is a value that goes up and down.
type Gauge interface {
	// Update sets the value.
	Update(f float64)
}

// Timer measures durations.
type Timer interface {
	// Record adds a measurement.
	Record(d time.Duration)
}

// Nop is a Handler that discards everything.
type Nop struct{}

// WithTags returns n.
func (n Nop) WithTags(map[string]string) Handler { return n }

// Counter discards.
func (Nop) Counter(string) Counter { return nop{} }

// Gauge discards.
func (Nop) Gauge(string) Gauge { return nop{} }

// Timer discards.
func (Nop) Timer(string) Timer { return nop{} }

type nop struct{}

func (nop) Inc(int64)            {}
func (nop) Update(float64)       {}
func (nop) Record(time.Duration) {}
