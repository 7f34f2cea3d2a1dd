package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// segment is a fleet under load and faults for a while, and the examination of what it leaves.
type segment struct {
	name   string
	layout layout
	lanes  []lane
	// length is for how long faults happen at least. If not enough has happened by then they go on until it has, at most for
	// extra: a busy machine does little in the time.
	length, extra time.Duration
	// settle is how long everything may take to end after that.
	settle time.Duration
	// rate is how many requests clients make per second, clients how many times the usual number there are; 0 is 1.
	rate    float64
	clients int
	// level has processes that hold more and more count as a problem: they run without a fault that explains it.
	level bool
	// contests has it go on, too, until a process that had been given up has made a decision and ended an activity.
	contests bool
	// calm is the shortest time between two faults of a lane.
	calm time.Duration
	// limits are how soon those must go on whom a fault has befallen.
	limits []limit
	// want is how many faults of a kind have to hit, fewer make the segment void.
	want map[verify.FaultKind]int
}

// scaled is the segment at another length, with as many fewer or more faults.
func (g *segment) scaled(by float64) *segment {
	scaled := *g
	scaled.length, scaled.extra = time.Duration(float64(g.length)*by), time.Duration(float64(g.extra)*by)
	scaled.want = map[verify.FaultKind]int{}
	for kind, n := range g.want {
		scaled.want[kind] = max(int(float64(n)*by), 1)
	}
	return &scaled
}

// operations are how many of each kind have to be acknowledged for the segment to mean anything: a small part of what an
// idle machine does.
func (g *segment) operations() map[verify.OperationKind]int {
	n := int(g.rate * g.length.Seconds())
	return map[verify.OperationKind]int{
		verify.OperationStart: n / 100, verify.OperationSignal: n / 20, verify.OperationUpdate: n / 1000,
		verify.OperationCompletion: n / 100, verify.OperationReport: n / 500,
	}
}

// played is what became of a segment.
type played struct {
	segment  *segment
	seed     uint64
	dir      string
	report   *verify.Report
	contests contests
	problems []error
	faults   []verify.Fault
	// late is by how much the timers of alarms were late.
	late []time.Duration
	// loaded is until when there was load, resumed how soon those went on for whom the segment has limits.
	loaded  int64
	resumed []resumption
	// held is how much memory processes held.
	held    []held
	began   time.Time
	machine string
	// drained is how long after the last fault nothing waited any more, 0 when that was not seen.
	drained time.Duration
	took    time.Duration
}

// play runs a segment in a directory of its own.
func (g *segment) play(ctx context.Context, dir, millrace string, seed uint64) (p *played, err error) {
	began := time.Now()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("segment %s: %w", g.name, err)
	}
	net, err := g.network(ctx, dir)
	if err != nil {
		return nil, err
	}
	f, err := newFleet(dir, millrace, g.layout, net)
	if err != nil {
		return nil, errors.Join(err, net.close())
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	if err := f.start(ctx); err != nil {
		return nil, err
	}
	p = &played{segment: g, seed: seed, dir: dir, began: began, machine: machineOf(f.admin.ConnectedServerVersion())}
	if err := p.disturb(ctx, f); err != nil {
		return nil, err
	}
	if err := p.examine(ctx, f); err != nil {
		return nil, err
	}
	p.took = time.Since(began)
	return p, nil
}

// network makes what the layout asks for.
func (g *segment) network(ctx context.Context, dir string) (network, error) {
	switch {
	case g.layout.apart:
		members := []string{fmt.Sprintf("%s-0", partWorker), fmt.Sprintf("%s-0", partCoordinator)}
		for i := range g.layout.servers {
			members = append(members, fmt.Sprintf("%s-%d", partServer, i))
		}
		return newApart(ctx, dir, members)
	case g.layout.proxied:
		return newWired(), nil
	}
	return loopback{}, nil
}

// disturb runs load and faults, and waits until everything has come to rest or the time for that is over.
func (p *played) disturb(ctx context.Context, f *fleet) (err error) {
	g := p.segment
	log, err := os.Create(filepath.Join(p.dir, "load.log"))
	if err != nil {
		return fmt.Errorf("create the log of the load: %w", err)
	}
	defer log.Close()
	url, err := f.net.url("load", f.serverURLs)
	if err != nil {
		return err
	}
	c, err := dialPatiently(ctx, clientOptions(url, "load", log))
	if err != nil {
		return err
	}
	defer c.Close()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(200*time.Millisecond), nats.PingInterval(5*time.Second),
		nats.IgnoreDiscoveredServers(), logErrors(log))
	if err != nil {
		return fmt.Errorf("connect to the servers: %w", err)
	}
	defer nc.Close()
	l, err := newLoad(p.dir, c, nc, g.rate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	faults, err := verify.OpenFaults(p.dir, "storm", verify.WriteOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, faults.Close()) }()
	if err := verify.WritePlan(p.dir, verify.Plan{
		Name: g.name, Seed: p.seed, Profile: "development", Operations: g.operations(), Faults: g.want,
	}); err != nil {
		return err
	}
	s := &storm{scene: &scene{fleet: f, load: l, killed: map[string]int{}}, log: faults, seed: p.seed, calm: g.calm, hits: map[verify.FaultKind]int{}}
	return p.weather(ctx, s)
}

var errNotSettled = errors.New("the time for everything to end is over")

// weather lets the storm pass over the load.
func (p *played) weather(ctx context.Context, s *storm) error {
	g := p.segment
	loadCtx, endLoad := context.WithCancelCause(ctx)
	defer endLoad(nil)
	looking, endLook := context.WithCancel(ctx)
	var looks memory
	looked := make(chan struct{})
	go func() { defer close(looked); looks.run(looking, s.scene.fleet) }()
	defer func() { endLook(); <-looked }()
	stopFaults, stopLoad, loaded := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(loaded)
		s.scene.load.run(loadCtx, stopLoad, p.seed, scenarios(g.layout, max(g.clients, 1)))
	}()
	defer func() { <-loaded }()
	stormed := make(chan error, 1)
	go func() { stormed <- s.run(ctx, stopFaults, g.lanes) }()
	ended, err := p.outlast(s, stormed)
	close(stopFaults)
	if !ended {
		err = errors.Join(err, <-stormed)
	}
	p.loaded = verify.Now()
	close(stopLoad)
	last := time.Now()
	p.held = looks.all()
	if err = errors.Join(err, context.Cause(ctx)); err != nil {
		endLoad(err)
		return err
	}
	settle := time.AfterFunc(g.settle, func() { endLoad(errNotSettled) })
	defer settle.Stop()
	<-loaded
	if err := s.conclude(); err != nil {
		return err
	}
	p.problems, p.late, p.faults = s.scene.load.problems, s.scene.load.late, s.done
	if err := s.scene.fleet.check(); err != nil {
		p.problems = append(p.problems, err)
	}
	for _, h := range p.held {
		if err := h.grown(); err != nil && g.level {
			p.problems = append(p.problems, err)
		}
	}
	if err := tooLate(p.late); err != nil {
		p.problems = append(p.problems, err)
	}
	drained, err := p.rest(ctx, s.scene.fleet, last.Add(g.settle))
	if drained.IsZero() {
		return errors.Join(err, p.describe(ctx, s.scene.fleet))
	}
	p.drained = drained.Sub(last)
	return err
}

// outlast returns when the storm has lasted for long enough, or has ended by itself, then with its error.
func (p *played) outlast(s *storm, stormed <-chan error) (ended bool, err error) {
	const every = 250 * time.Millisecond // looks whether it is enough
	length, last := time.NewTimer(p.segment.length), time.NewTimer(p.segment.length+p.segment.extra)
	defer length.Stop()
	defer last.Stop()
	for over := length.C; ; over = time.After(every) {
		select {
		case <-over:
			enough, err := p.enough(s)
			if err != nil || enough {
				return false, err
			}
		case <-last.C:
			return false, nil
		case err := <-stormed:
			return true, err
		}
	}
}

// enough says whether so much has happened that the segment means something.
func (p *played) enough(s *storm) (bool, error) {
	g := p.segment
	if s.lacks(g.want) || s.scene.load.lacks(g.operations()) {
		return false, nil
	}
	if !g.contests {
		return true, nil
	}
	c, err := readContests(p.dir)
	return c.lost > 0 && c.late > 0, err
}

// rest waits until nothing waits any more, and returns when that was seen: zero if it was not by the deadline.
func (p *played) rest(ctx context.Context, f *fleet, deadline time.Time) (time.Time, error) {
	const every = 100 * time.Millisecond
	// What is found at the first look counts even when the load took all the time there was.
	for {
		left, err := verify.Waiting(ctx, f.admin, client.DefaultNamespace)
		if err == nil && left.Left() == 0 {
			if held, err := f.held(ctx); err == nil && held == 0 {
				return left.At, nil
			}
		}
		if time.Now().After(deadline) {
			return time.Time{}, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, context.Cause(ctx)
		case <-time.After(every):
		}
	}
}

// examine dumps everything and judges it.
func (p *played) examine(ctx context.Context, f *fleet) error {
	if err := p.dump(ctx, f); err != nil {
		return err
	}
	f.stopParts(partWorker, partCoordinator, partActivities, partDaemon, partServer)
	var err error
	if p.report, err = verify.Verify(ctx, p.dir, verify.Options{Replay: newReplay()}); err != nil {
		return err
	}
	if p.contests, err = readContests(p.dir); err != nil {
		return err
	}
	return p.judgeLimits()
}

// dump reads everything. A cluster on a busy machine may change its leaders meanwhile, for no fault of ours, and a wake-up
// that was armed may go off for a run that has long ended; then it is read again.
func (p *played) dump(ctx context.Context, f *fleet) error {
	const tries, restful = 5, 10 * time.Second
	var err error
	for range tries {
		before, at := f.last(ctx, streamInbox)
		_, rest := p.rest(ctx, f, time.Now().Add(restful))
		err = errors.Join(at, rest, verify.Dump(ctx, f.admin, client.DefaultNamespace, p.dir))
		after, end := f.last(ctx, streamInbox)
		if err = errors.Join(err, end); err == nil && before == after || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
	return err
}

// newReplay replays histories of the load.
func newReplay() func(start *history.Start, transitions []*history.Transition) error {
	r := worker.NewWorkflowReplayer()
	for name, fn := range workflows(&book{}) {
		r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
	return func(start *history.Start, transitions []*history.Transition) error {
		return r.ReplayWorkflowHistory(nil, &apihistory.History{Events: export.Events(start, transitions)})
	}
}

// verdict is nil when all is well. It names the segment and where its evidence is.
func (p *played) verdict() error {
	if err := p.finding(); err != nil {
		return fmt.Errorf("segment %s, seed %d, evidence in %s: %w", p.segment.name, p.seed, p.dir, err)
	}
	return nil
}

// finding is what is not well.
func (p *played) finding() error {
	var errs []error
	if n := len(p.problems); n > 0 {
		errs = append(errs, fmt.Errorf("%d problems, the first: %w", n, p.problems[0]))
	}
	if n := len(p.contests.wrong); n > 0 {
		errs = append(errs, fmt.Errorf("%d decisions that were not stored had effects, the first: %s", n, p.contests.wrong[0]))
	}
	if p.report.Verdict != verify.Green {
		errs = append(errs, fmt.Errorf("%w: %s", errNotGreen, p.report.Verdict))
	}
	return errors.Join(errs...)
}

var errNotGreen = errors.New("the verdict is not green")

func (p *played) write(out io.Writer) error {
	fmt.Fprintf(out, "segment %s: seed %d, %v, at rest %v after the last fault\n", p.segment.name, p.seed, p.took.Round(time.Second), p.drained.Round(time.Millisecond))
	if err := p.report.WriteText(out); err != nil {
		return err
	}
	fmt.Fprintf(out, "zombies: %d of %d decisions were made although somebody else's was stored, %d of these had effects; %d activities ended after another execution had\n",
		p.contests.lost, p.contests.made, len(p.contests.wrong), p.contests.late)
	if percent, long := grow(p.held); long > 0 {
		fmt.Fprintf(out, "memory: %d processes lived for most of the segment, the one that grew most by %.0f%%\n", long, percent)
	}
	if n := len(p.late); n > 0 {
		fmt.Fprintf(out, "timers: %d runs, the latest of them %v late\n", n, slices.Max(p.late))
	}
	for _, r := range p.resumed {
		fmt.Fprintln(out, "limits:", r)
	}
	for i, err := range p.problems {
		if i == 10 {
			fmt.Fprintf(out, "and %d more problems\n", len(p.problems)-i)
			break
		}
		fmt.Fprintln(out, "problem:", err)
	}
	return nil
}
