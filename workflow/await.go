package workflow

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
)

// AwaitOptions are the options of AwaitWithOptions.
type AwaitOptions struct {
	// Timeout is how long to wait at most; 0 or less means not at all.
	Timeout time.Duration
	// TimerOptions are those of the timer behind Timeout.
	TimerOptions TimerOptions
}

// Await blocks until condition returns true, or ctx is canceled: then it returns a *millrace.CanceledError.
//
// Condition is called whenever something may have changed, any number of times. It must neither block nor start
// anything.
func Await(ctx Context, condition func() bool) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.Await(ctx, condition)
	}
	return r.await(ctx, condition)
}

func (r *run) await(ctx Context, condition func() bool) error {
	r.guard("Await")
	met := false
	ready := func() bool {
		met = met || condition()
		return met || ctx.Err() != nil
	}
	if !ready() {
		r.block("Await", ready)
	}
	if !met {
		return millrace.NewCanceledError()
	}
	return nil
}

// AwaitWithTimeout is Await, but gives up after timeout: then ok is false and err is nil.
func AwaitWithTimeout(ctx Context, timeout time.Duration, condition func() bool) (ok bool, err error) {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.AwaitWithTimeout(ctx, timeout, condition)
	}
	return r.awaitFor(ctx, AwaitOptions{Timeout: timeout}, condition)
}

// AwaitWithOptions is AwaitWithTimeout with options for the timer.
func AwaitWithOptions(ctx Context, options AwaitOptions, condition func() bool) (ok bool, err error) {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.AwaitWithOptions(ctx, options, condition)
	}
	return r.awaitFor(ctx, options, condition)
}

func (r *run) awaitFor(ctx Context, options AwaitOptions, condition func() bool) (ok bool, err error) {
	r.guard("AwaitWithTimeout")
	if condition() {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, millrace.NewCanceledError()
	}
	timerCtx, cancel := WithCancel(ctx)
	defer cancel()
	timer := r.newTimer(timerCtx, options.Timeout, options.TimerOptions)
	met := false
	err = r.await(ctx, func() bool {
		met = met || condition()
		return met || timer.IsReady()
	})
	// A canceled context makes the timer ready as well.
	if !met && (err != nil || ctx.Err() != nil) {
		return false, millrace.NewCanceledError()
	}
	return met, nil
}
