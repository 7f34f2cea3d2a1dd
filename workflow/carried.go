package workflow

import millrace "github.com/millrace-dev/millrace"

// HasLastCompletionResult says whether an earlier run of the same chain has left a result for this one: the last that
// completed, of a cron schedule for example.
func HasLastCompletionResult(ctx Context) bool {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.HasLastCompletionResult(ctx)
	}
	return len(r.start().LastCompletionResult.GetPayloads()) > 0
}

// GetLastCompletionResult decodes the result of the last run of the same chain that completed, even if others have failed
// since, into what d point to. It returns millrace.ErrNoData when there is none.
func GetLastCompletionResult(ctx Context, d ...interface{}) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetLastCompletionResult(ctx, d...)
	}
	return r.lastCompletionResult(ctx, d)
}

func (r *run) lastCompletionResult(ctx Context, d []interface{}) error {
	last := r.start().LastCompletionResult
	if len(last.GetPayloads()) == 0 {
		return millrace.ErrNoData
	}
	return r.converter(ctx, nil).FromPayloads(last, d...)
}

// GetLastError returns the error of the run before this one in its chain, nil if it did not fail or there was none.
func GetLastError(ctx Context) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetLastError(ctx)
	}
	return r.lastError()
}

func (r *run) lastError() error {
	f := r.start().ContinuedFailure
	if f == nil {
		return nil
	}
	return r.reason(f, nil)
}
