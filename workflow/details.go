package workflow

// SetCurrentDetails says for people where the workflow is, in Markdown. It replaces what was said before.
func SetCurrentDetails(ctx Context, details string) {
	r := runOf(ctx)
	r.guard("SetCurrentDetails")
	r.details = details
}

// GetCurrentDetails returns what SetCurrentDetails said last, empty for nothing.
func GetCurrentDetails(ctx Context) string { return runOf(ctx).details }

// IsReadOnly says whether ctx is used where nothing may be changed: in a query handler, an update validator, or the
// function of a side effect. What would change the run panics there.
func IsReadOnly(ctx Context) bool { return runOf(ctx).reading != "" }
