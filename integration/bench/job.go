package main

import (
	"context"
	"time"
)

// job is what one run has to do. Exactly one of steps, fan and signals is positive.
type job struct {
	// steps is a number of activities in sequence.
	steps int
	// fan is a number of activities at once.
	fan int
	// signals are sent to the run, which ends when it has received them all; inFlight of them at a time.
	signals, inFlight int
}

// units is how many things one run counts for in a rate.
func (j job) units() int { return max(j.steps, j.fan, j.signals) }

// system does jobs. It is safe for concurrent use.
type system interface {
	// do starts a run, sees it through, and returns when whoever started it knows of its end.
	do(ctx context.Context, id string, j job) error
	// cpu is what the processes of the system have used that are not this one.
	cpu() time.Duration
	close() error
}
