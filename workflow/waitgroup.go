package workflow

// WaitGroup waits for a number of coroutines, as sync.WaitGroup does.
type WaitGroup interface {
	// Add adds delta to the counter, which must not become negative.
	Add(delta int)
	// Done takes one from the counter.
	Done()
	// Go runs f in a new coroutine, counted until it ends.
	Go(ctx Context, f func(ctx Context))
	// Wait blocks until the counter is 0. It does not end when ctx is canceled.
	Wait(ctx Context)
}

// NewWaitGroup returns a WaitGroup whose counter is 0.
func NewWaitGroup(ctx Context) WaitGroup {
	r := runOf(ctx)
	r.guard("NewWaitGroup")
	return &waitGroup{run: r}
}

type waitGroup struct {
	run   *run
	count int
}

func (g *waitGroup) Add(delta int) {
	g.run.guard("WaitGroup.Add")
	if g.count+delta < 0 {
		panic("workflow: negative WaitGroup counter")
	}
	g.count += delta
}

func (g *waitGroup) Done() { g.Add(-1) }

func (g *waitGroup) Go(ctx Context, f func(ctx Context)) {
	g.Add(1)
	Go(ctx, func(ctx Context) {
		// While a run is being unloaded this runs too, and then counts for nobody.
		defer g.Done()
		f(ctx)
	})
}

func (g *waitGroup) Wait(Context) {
	g.run.guard("WaitGroup.Wait")
	if g.count > 0 {
		g.run.block("WaitGroup.Wait", func() bool { return g.count == 0 })
	}
}
