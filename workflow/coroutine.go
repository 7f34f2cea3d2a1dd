package workflow

// Go runs f in a new coroutine of the workflow, which first runs when the calling one blocks or ends. It takes the
// place of the go statement.
func Go(ctx Context, f func(ctx Context)) { GoNamed(ctx, "", f) }

// GoNamed does what Go does, and names the coroutine for stack traces. An empty name is replaced by a number.
func GoNamed(ctx Context, name string, f func(ctx Context)) {
	r := runOf(ctx)
	if r.outbound != nil {
		r.outbound.Go(ctx, name, f)
		return
	}
	r.spawn(ctx, name, f)
}

func (r *run) spawn(ctx Context, name string, f func(ctx Context)) {
	r.guard("Go")
	if r.def.options.FailOnPanic {
		plain := f
		f = func(ctx Context) {
			defer r.failOnPanic()
			plain(ctx)
		}
	}
	r.env.Go(name, func() { f(ctx) })
}
