package workflow

import "time"

// TimerOptions are the options of NewTimerWithOptions.
type TimerOptions struct {
	// Summary says for people what the timer is for; it shows where the run's history does.
	Summary string
}

// Now is the time of the workflow: that of the transition being processed. It stands still while code runs, and is the
// same when the code runs again.
func Now(ctx Context) time.Time {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.Now(ctx)
	}
	return r.env.Now()
}

// Sleep blocks for d at least, in whole milliseconds. For 0 or less it returns nil at once, even with a canceled ctx. When
// ctx is canceled it returns a *millrace.CanceledError at once. The run takes no room in any process while it sleeps.
func Sleep(ctx Context, d time.Duration) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.Sleep(ctx, d)
	}
	return r.newTimer(ctx, d, TimerOptions{}).Get(ctx, nil)
}

// NewTimer returns a Future that is ready after d, without a value. When ctx is canceled before, the timer is dropped
// and the Future's error is ErrCanceled. With a d of 0 or less it is ready at once and has no error, even if ctx is canceled.
func NewTimer(ctx Context, d time.Duration) Future {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.NewTimer(ctx, d)
	}
	return r.newTimer(ctx, d, TimerOptions{})
}

// NewTimerWithOptions is NewTimer with options.
func NewTimerWithOptions(ctx Context, d time.Duration, options TimerOptions) Future {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.NewTimerWithOptions(ctx, d, options)
	}
	return r.newTimer(ctx, d, options)
}

func (r *run) newTimer(ctx Context, d time.Duration, options TimerOptions) *future {
	r.guard("NewTimer")
	f := newFuture(r, "Timer")
	if d <= 0 {
		f.resolve(nil, nil)
		return f
	}
	if err := ctx.Err(); err != nil {
		f.resolve(nil, err)
		return f
	}
	var canceling *hook
	id := r.env.StartTimer(d, options.Summary, func() {
		canceling.forget()
		f.resolve(nil, nil)
	})
	canceling = onCancel(ctx, func() {
		r.env.CancelTimer(id)
		f.resolve(nil, ctx.Err())
	})
	return f
}
