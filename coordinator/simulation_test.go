package coordinator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

var (
	simulationSeed  = flag.Uint64("seed", 0, "run the simulation with this seed only")
	simulationSeeds = flag.Uint64("seeds", 2000, "number of seeds to run the simulation with")
	simulationOld   = flag.Bool("regressions", true, "run the simulation with the seeds that once found something, too")
	simulationFirst = flag.Uint64("first", 0, "first of the seeds; 0 for one that no earlier run is likely to have had")
)

// regressionSeeds once found something that later seeds may not. Scripted tests in covers_test.go and others pin down the same.
var regressionSeeds = []uint64{
	101433,  // a wake-up from long ago led to a time-out that nothing covered
	107299,  // an alarm was covered by a wake-up that its sender's death had kept from being armed
	110771,  // two processes disagreed on whether an activity had started
	113730,  // as 107299
	119194,  // a time-out came due while the leader was asked
	899,     // an eager outcome that met a closed run had its cover acknowledged before the effects were sent
	2363,    // a message that covered an eager activity was acknowledged by its other delivery
	1002615, // a transition relied on a wake-up that had fired before it was appended
	777109,  // two signals behind an update that was never delivered took turns in the only room there was
	1003523, // nobody armed the wake-up for a ScheduleToStart time-out that had passed
	// who queued a lost eager activity sent a task of the same cover again whose result was waiting
	1795369771891409,
	// a process that knew only an activity's eager attempt took the report that its task was gone for settled
	1795381493102266,
	// a start that was overdue waited for the wake-up of a reset, whose message was still to come
	1795387687012802,
	// who took an eager activity over made another one eagerly under the message that the first process was to acknowledge
	1795388059021746,
	1795381493104400, // a late word about an attempt replaced that of the next, which a reset then took for ended
	1795385638872090, // an attempt began after its task had been recalled
}

// unoperatedSeeds are those of them that are from before there was an operator: his requests would change what happens.
var unoperatedSeeds = []uint64{113730, 119194}

// simulatedIDs is the number of workflow IDs that clients use.
const simulatedIDs = 4

// simulation is a namespace with coordinators that die, freeze and are replaced, workers that do the same, clients,
// and a broker that loses and doubles, all by one seed. When the faults end everything must come to its end.
//
// A seed determines what is tried, how long each call takes and where it fails. It does not determine in which order
// goroutines run that are ready at the same instant of the bubble's clock. Since nearly every call takes a time of its
// own there are few of these: more than half of the seeds repeat call by call (the trace's hash, with -seed and -v),
// the others differ late. A failure that does not come again is to be found in the trace that it left.
type simulation struct {
	*fixture
	seed      uint64
	rng       *rand.Rand // of the driver
	faultRate int        // in thousandths
	calm      atomic.Bool
	// own counts the test's own calls in progress, which have no faults.
	own   atomic.Int64
	group sync.WaitGroup
	// turns lets one process at a time pull from a lane.
	turns map[streams.Lane]chan struct{}
	steps steps

	mu         sync.Mutex // guards the rest
	signals    []sentSignal
	told       []toldUpdate
	violations []string
	// attempts are those that workers are making, by activity.
	attempts map[streams.TaskRef]map[*streams.Delivery]simulatedAttempt
	// newest are the last deliveries of tasks.
	newest map[generationKey]*streams.Delivery
	asks   int
	// resolved is when an activity's result was recorded.
	resolved map[streams.TaskRef]time.Time
	// decoded are transitions by the sequences of their records.
	decoded map[uint64]*history.Transition
	trace   []tracedCall
}

// tracedCall is one call that reached the broker.
type tracedCall struct {
	at          time.Time
	process, op string
	run         history.Run
	err         error
}

func (s *simulation) traced(process, op string, run history.Run, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, tracedCall{time.Now(), process, op, run, err})
}

// sentSignal is a signal whose sender was told that it is durably queued.
type sentSignal struct {
	workflowID string
	id         string
}

func TestSimulation(t *testing.T) {
	if *simulationSeed != 0 {
		t.Run(fmt.Sprint("seed=", *simulationSeed), func(t *testing.T) {
			simulate(t, *simulationSeed)
		})
		return
	}
	first := *simulationFirst
	if first == 0 {
		first = uint64(time.Now().UnixMicro())
	}
	var seeds []uint64
	if *simulationOld {
		seeds = slices.Clone(regressionSeeds)
	}
	for i := range *simulationSeeds {
		seeds = append(seeds, first+i)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	inBubble(t, func(f *fixture) {
		s := newSimulation(f, seed)
		s.faultRate = []int{0, 5, 20, 60}[s.rng.IntN(4)]
		f.faults(s.faults)
		s.config = coordinator.Config{
			AckWait:       simulatedAckWait,
			CacheSize:     []int{1, 1, 2, 20}[s.rng.IntN(4)],
			ArchiveSize:   []int{0, 0, 3000, -1}[s.rng.IntN(4)],
			MaxAlarms:     []int{0, 0, 1, -1}[s.rng.IntN(4)],
			MaxConcurrent: 1 + s.rng.IntN(16),
			MaxRecord:     []int{0, 0, 600}[s.rng.IntN(3)],
		}
		s.run()
		s.check()
	})
}

const simulatedAckWait = 2 * time.Second

func newSimulation(f *fixture, seed uint64) *simulation {
	s := &simulation{fixture: f, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)),
		attempts: map[streams.TaskRef]map[*streams.Delivery]simulatedAttempt{}, newest: map[generationKey]*streams.Delivery{},
		resolved: map[streams.TaskRef]time.Time{}, decoded: map[uint64]*history.Transition{}, turns: map[streams.Lane]chan struct{}{},
		steps: steps{states: map[history.Run]*history.State{}, begun: map[history.Run]bool{}}}
	for _, lane := range []streams.Lane{streams.LaneStarts, streams.LaneInbox, streams.LaneTasks} {
		s.turns[lane] = make(chan struct{}, 1)
	}
	f.deploy("script", script)
	f.deploy("forever", forever)
	return s
}

// run is chaos for a while, then calm until nothing happens any more.
func (s *simulation) run() {
	ctx, stop := context.WithCancel(s.ctx)
	chaos := time.Duration(5+s.rng.IntN(25)) * time.Second
	deaths := s.rng.IntN(8)
	for i := range 1 + s.rng.IntN(3) {
		name := fmt.Sprint("coordinator", i)
		rng := rand.New(rand.NewPCG(s.seed, uint64(100+i)))
		s.group.Go(func() { s.keepCoordinator(ctx, name, rng, deaths) })
	}
	for i := range 2 {
		s.group.Go(func() { s.keepWorker(ctx, fmt.Sprint("worker", i)) })
	}
	var clients sync.WaitGroup
	for i := range 2 {
		name := fmt.Sprint("client", i)
		rng := rand.New(rand.NewPCG(s.seed, uint64(300+i)))
		end := time.Now().Add(chaos)
		clients.Go(func() { s.beClient(ctx, name, rng, end) })
	}
	if s.seed%2 == 0 && !slices.Contains(unoperatedSeeds, s.seed) {
		end := time.Now().Add(chaos)
		clients.Go(func() { s.beOperator(ctx, end) })
	}
	clients.Wait()
	s.calm.Store(true)
	s.settleAll()
	stop()
	s.group.Wait()
}

// settleAll waits, for half an hour at most, until all runs are closed, and lets what they have left behind end.
func (s *simulation) settleAll() {
	for range 60 {
		time.Sleep(30 * time.Second)
		finished := false
		s.faultless(func() {
			s.release()
			s.unpauseAll()
			finished = s.finished()
		})
		if finished {
			break
		}
	}
	time.Sleep(6 * time.Minute) // longer than a message of a quarantined run rests
}

// release does what an operator does for a run that is quarantined without guilt: processes that died for other reasons
// may have done so while they ran its code.
func (s *simulation) release() {
	for _, start := range s.starts() {
		if t := s.trouble(start.Run); t.Begun > 0 {
			s.Logf("run %s is released: %s", start.Run, t.Reason)
			if err := s.model.DeleteBeats(s.ctx, start.Run.Run, 0); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// keepCoordinator runs one coordinator after the other.
func (s *simulation) keepCoordinator(ctx context.Context, name string, rng *rand.Rand, deaths int) {
	for n := 0; ctx.Err() == nil; n++ {
		lives := -1
		if n < deaths && !s.calm.Load() {
			lives = 1 + rng.IntN(300)
		}
		p := s.newProcess(fmt.Sprint(name, ".", n), lives)
		cfg := s.config
		cfg.Queue, cfg.Definition, cfg.Logger = queue, s.definition, log.Discard{}
		cfg.Local, cfg.Jitter = &localRunner{p}, p.jitter
		if s.seed%4 > 0 {
			cfg.Eager = &eagerRunner{p}
		}
		c, err := coordinator.New(p, cfg)
		if err != nil {
			s.Error(err)
			return
		}
		life, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- c.Run(life) }()
		freezes := time.NewTimer(time.Duration(1+rng.IntN(20)) * time.Second)
		stops := time.NewTimer(time.Duration(5+rng.IntN(60)) * time.Second)
		for alive := true; alive; {
			select {
			case <-freezes.C:
				if !s.calm.Load() {
					p.freeze(time.Duration(rng.IntN(6000)) * time.Millisecond)
				}
				continue
			case <-stops.C:
				if s.calm.Load() {
					continue
				}
			case <-p.died:
			case <-ctx.Done():
			case err := <-ended:
				s.violation("%s ended by itself: %v", p.name, err)
				end()
				return
			}
			alive = false
		}
		end()
		if err := <-ended; err != nil {
			s.violation("%s: %v", p.name, err)
		}
		p.die()
		if !s.calm.Load() {
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
		}
	}
}

// keepWorker runs tasks, two at a time.
func (s *simulation) keepWorker(ctx context.Context, name string) {
	p := s.newProcess(name, -1)
	tasks, err := p.Consume(ctx, streams.LaneTasks, queue, "", streams.ConsumeOptions{AckWait: 5 * time.Second, Lanes: simulatedLanes()})
	if err != nil {
		s.Error(err)
		return
	}
	for {
		ds, err := tasks.Pull(ctx, 4)
		if err != nil {
			return
		}
		var all sync.WaitGroup
		for _, d := range ds {
			chance := s.hash("work", d.Run.Run.String(), fmt.Sprint(d.Activity), fmt.Sprint(d.Seq), fmt.Sprint(d.Deliveries))
			all.Go(func() { s.work(ctx, p, d, rand.New(rand.NewPCG(chance, 0))) })
		}
		all.Wait()
	}
}

// slowActivity is a type of activity that is still at work when others have ended.
const slowActivity = "slow"

// work is one attempt of an activity. An attempt that is given up on is one whose worker died.
func (s *simulation) work(ctx context.Context, p *process, d *streams.Delivery, rng *rand.Rand) {
	task, err := history.DecodeTask(d.Data)
	if err != nil {
		s.Error(err)
		return
	}
	s.delivered(d, task)
	if d.Deliveries > 1 || task.Asked || d.Published.Sub(task.Scheduled) > 5*time.Second {
		if settled, err := s.hasResult(ctx, p, task); err != nil {
			return
		} else if settled {
			_ = d.Ack(ctx)
			return
		}
	}
	word := s.beginAsked(ctx, p, d, task)
	if word == nil {
		return
	}
	defer s.attempting(p, d, task)()
	if task.ScheduleToStart > 0 {
		if err := p.MarkStarted(ctx, d.Run.Run, d.Activity); err != nil {
			return
		}
	}
	if task.Type == slowActivity {
		time.Sleep(3 * time.Second)
	}
	trouble := 4
	if s.calm.Load() {
		trouble = 30
	}
	r := &history.ActivityResult{Scheduled: d.Activity, Attempt: task.FirstAttempt + int32(d.Deliveries) - 1, Result: text("result")}
	switch rng.IntN(trouble * 4) {
	case 0:
		return // died before
	case 1:
		s.giveBack(ctx, p, d, task, word, time.Duration(rng.IntN(2000))*time.Millisecond)
		return
	case 2:
		r.Result, r.Failure = nil, &failure.Failure{Message: "no", ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
	case 3, 4:
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
	}
	if canceled, err := p.CancelRequested(ctx, d.Run.Run, d.Activity); err == nil && canceled {
		r.Result, r.Failure = nil, &failure.Failure{Message: "canceled", CanceledFailureInfo: &failure.CanceledFailureInfo{}}
	}
	if err := p.Send(ctx, task.Run, &history.Message{ID: fmt.Sprint(d.Deliveries), Activity: r}); err != nil {
		return
	}
	if rng.IntN(trouble*4) == 0 {
		return // died after
	}
	_ = d.Ack(ctx)
}

// hasResult says whether the activity needs no other attempt.
func (s *simulation) hasResult(ctx context.Context, p *process, task *history.Task) (bool, error) {
	waiting, err := p.ReadInbox(ctx, task.Run, history.ActivitySource(task.Event), streams.ActivityMessages)
	if err != nil || streams.EndsTask(waiting, task.Generation) {
		return err == nil, err
	}
	state, err := s.readState(ctx, p, task.Run.Run)
	if err != nil {
		return false, err
	}
	a, pending := state.Activities[task.Event]
	if pending && a.Control != nil {
		c := a.Control
		pending = c.Generation < task.Generation || c.Generation == task.Generation && !c.Parked
	}
	return state.LastEvent >= task.Event && (!pending || state.Closed()), nil
}

// readState reads a run as a process does.
func (s *simulation) readState(ctx context.Context, p *process, run history.Run) (*history.State, error) {
	found, err := p.FindStart(ctx, run)
	if err != nil {
		return nil, err
	}
	start, err := history.DecodeStart(found.Data)
	if err != nil {
		return nil, err
	}
	state := history.NewState(start)
	loaded, err := p.Load(ctx, run, 0)
	if err != nil {
		return nil, err
	}
	for i := range loaded.Records {
		t, err := s.transitionOf(ctx, p, &loaded.Records[i])
		if err != nil {
			return nil, err
		}
		if err := state.Apply(t); err != nil {
			return nil, err
		}
	}
	return state, nil
}

// beClient starts, signals, cancels and terminates until end.
func (s *simulation) beClient(ctx context.Context, name string, rng *rand.Rand, end time.Time) {
	p := s.newProcess(name, -1)
	s.Cleanup(s.hearUpdates(name))
	for n := 0; time.Now().Before(end); n++ {
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		id := fmt.Sprint("w", rng.IntN(simulatedIDs))
		if n < 2 || rng.IntN(3) == 0 {
			s.startRun(ctx, p, id, rng)
			continue
		}
		last, err := p.LastStart(ctx, id)
		if err != nil {
			continue
		}
		if rng.IntN(3) == 0 {
			s.sendUpdate(ctx, p, last.Run, name, fmt.Sprint(name, "-", n), rng)
			continue
		}
		m := &history.Message{ID: fmt.Sprint(name, "-", n)}
		switch rng.IntN(12) {
		case 0:
			m.Terminate = &history.Termination{Reason: "client"}
		case 1, 2:
			m.Cancel = &history.CancelRequest{Reason: "client"}
		default:
			m.Signal = &history.Signal{Name: "n", Input: text(m.ID)}
		}
		for tries := 0; tries < 20; tries++ {
			if err := p.Send(ctx, last.Run, m); err == nil {
				if m.Signal != nil {
					s.signalSent(id, m.Identity())
				}
				break
			}
		}
	}
}

func (s *simulation) startRun(ctx context.Context, p *process, id string, rng *rand.Rand) {
	start := &history.Start{
		Run:  history.Address{Run: history.Run{WorkflowID: id, RunID: s.newRunID(rng)}, Queue: queue},
		Type: "script", Input: scriptInput{Seed: rng.Uint64()}.payloads(), Time: time.Now(), Attempt: 1,
	}
	req := streams.StartRequest{Start: start}
	switch rng.IntN(8) {
	case 0:
		start.RetryPolicy = &history.RetryPolicy{MaximumAttempts: 3, InitialInterval: 1000, BackoffCoefficient: 1}
	case 1:
		start.RunTimeout = history.MillisOf(time.Duration(1+rng.IntN(20)) * time.Second)
	case 2:
		start.Signal = &history.Signal{Name: "n", ID: start.Run.RunID, Input: text("with start")}
	case 3:
		start.Delay = history.MillisOf(time.Duration(rng.IntN(5000)) * time.Millisecond)
	case 4:
		req.Conflict = enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
	case 5:
		req.Conflict = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	}
	for tries := 0; tries < 20; tries++ {
		bounded, cancel := context.WithTimeout(ctx, 20*time.Second)
		run, err := streams.StartRun(bounded, p, req)
		cancel()
		var already *streams.AlreadyStartedError
		if err == nil && run.RunID == start.Run.RunID && start.Signal != nil {
			s.signalSent(id, string(history.SourceSignals)+":"+start.Signal.ID)
		}
		if err == nil || errors.As(err, &already) {
			return
		}
	}
}

func (s *simulation) newRunID(rng *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rng.Uint64())
	}
	id, err := uuid.FromBytes(b[:])
	if err != nil {
		panic(err)
	}
	return id.String()
}

func (s *simulation) signalSent(workflowID, identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals = append(s.signals, sentSignal{workflowID, identity})
}

func (s *simulation) violation(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}
