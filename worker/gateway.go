package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/gateway/ask"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// throughGateway is a namespace's gateway as a broker. The gateway has looked what a delivery means before it hands out a
// task, and decides what follows a failure: here functions are run, and it is told how that went.
type throughGateway struct {
	caller   *ask.Caller
	identity string
	lease    time.Duration
	types    func() []string
	logger   log.Logger

	mu   sync.Mutex // guards held
	held map[activityKey]*borrowed
}

type activityKey struct {
	run      history.Run
	activity int64
}

// borrowed is a task that the gateway has handed out. It is the Acker of its delivery.
type borrowed struct {
	gateway *throughGateway
	key     activityKey
	queue   string
	token   []byte
	attempt int32
	details *common.Payloads

	mu sync.Mutex // guards the rest
	// heard is when the gateway was last spoken to; canceled is what it said then.
	heard    time.Time
	canceled bool
}

var errNotHeld = fmt.Errorf("%w: the gateway has not handed out this activity", streams.ErrNotFound)

func (g *throughGateway) borrowed(run history.Run, activity int64) (*borrowed, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.held[activityKey{run, activity}]; b != nil {
		return b, nil
	}
	return nil, errNotHeld
}

// say tells the gateway what became of a task.
func (b *borrowed) say(ctx context.Context, r gatewire.CompleteRequest) error {
	r.Token, r.Identity = b.token, b.gateway.identity
	return b.gateway.caller.Call(ctx, gatewire.Complete, b.queue, 0, &r, nil)
}

// beat gives a sign of life, once. A task that nobody holds any more is an error.
func (b *borrowed) beat(ctx context.Context, isBeat bool, details *common.Payloads) error {
	var reply gatewire.HeartbeatReply
	err := b.gateway.caller.Once(ctx, gatewire.Heartbeat, b.queue, b.gateway.lease, &gatewire.HeartbeatRequest{Token: b.token, Beat: isBeat, Details: details}, &reply)
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.heard, b.canceled = time.Now(), b.canceled || reply.CancelRequested
	b.mu.Unlock()
	if !reply.Leased {
		return fmt.Errorf("%w: no gateway holds the task of activity %d of run %s any more", streams.ErrUnavailable, b.key.activity, b.key.run)
	}
	return nil
}

// Ack lets go of a task whose outcome was told.
func (b *borrowed) Ack(context.Context) error {
	b.gateway.mu.Lock()
	defer b.gateway.mu.Unlock()
	if b.gateway.held[b.key] == b {
		delete(b.gateway.held, b.key)
	}
	return nil
}

func (b *borrowed) AckSync(ctx context.Context) error { return b.Ack(ctx) }

// Nak lets go of a task: what follows was told with the record that is left BEFORE a hand-back.
func (b *borrowed) Nak(time.Duration) error { return b.Ack(context.Background()) }

func (b *borrowed) InProgress(ctx context.Context) error { return b.beat(ctx, false, nil) }
func (b *borrowed) KeepAlive() error                     { return nil }

// Send reports the outcome of an activity, the only thing that a worker sends to runs.
func (g *throughGateway) Send(ctx context.Context, to history.Address, m *history.Message) error {
	if m.Activity == nil {
		return notOffered("sending messages to runs")
	}
	b, err := g.borrowed(to.Run, m.Activity.Scheduled)
	if err != nil {
		return err
	}
	return b.say(ctx, gatewire.CompleteRequest{Result: m.Activity.Result, Failure: m.Activity.Failure})
}

// PutBeat is told in the gateway's words: a heartbeat, or what became of the attempt.
// The gateway knows whose word counts: nothing is conditional here.
func (g *throughGateway) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, _ uint64) (uint64, error) {
	return 0, g.putBeat(ctx, run, activity, data)
}

func (g *throughGateway) putBeat(ctx context.Context, run history.Run, activity int64, data []byte) error {
	b, err := g.borrowed(run, activity)
	if err != nil {
		return err
	}
	beat, err := history.DecodeBeat(data)
	switch {
	case err != nil:
		return err
	case beat.Pending:
		return b.say(ctx, gatewire.CompleteRequest{Pending: true, Details: unsent(beat)})
	case beat.Attempt < b.attempt:
		return b.say(ctx, gatewire.CompleteRequest{HandBack: true, Details: unsent(beat)})
	case !beat.Ended.IsZero():
		return b.say(ctx, gatewire.CompleteRequest{Failure: orUnknown(beat.Failure), Details: unsent(beat)})
	case beat.Time.IsZero():
		return nil // it says that the attempt begins, which the gateway knows
	}
	return b.beat(ctx, true, beat.Details)
}

// unsent are the details of an attempt's last heartbeat, nil when it made none.
func unsent(b *history.Beat) *common.Payloads {
	if b.Time.IsZero() {
		return nil
	}
	return b.Details
}

func orUnknown(f *failure.Failure) *failure.Failure {
	if f == nil {
		return &failure.Failure{Message: "failed", Source: failureSource}
	}
	return f
}

// GetBeat is what the attempt before has left.
func (g *throughGateway) GetBeat(_ context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error) {
	b, err := g.borrowed(run, activity)
	if err != nil {
		return nil, 0, err
	}
	if b.attempt == 1 && b.details == nil {
		return nil, 0, fmt.Errorf("%w: there was no heartbeat", streams.ErrNotFound)
	}
	data, err = history.Encode(&history.Beat{Attempt: b.attempt - 1, Details: b.details, Ended: time.Now()})
	return data, 0, err
}

// Asked is what the gateway said last, unless that was too long ago. Of pauses and resets it says nothing: they count when
// the attempt has ended.
func (g *throughGateway) Asked(ctx context.Context, run history.Run, activity int64) (streams.Asked, error) {
	b, err := g.borrowed(run, activity)
	if err != nil {
		return streams.Asked{}, err
	}
	b.mu.Lock()
	fresh := time.Since(b.heard) < firstLook/2
	b.mu.Unlock()
	if !fresh {
		if err := b.beat(ctx, false, nil); err != nil {
			return streams.Asked{}, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return streams.Asked{Cancel: b.canceled}, nil
}

// NothingAsked is not known: the gateway says what is asked of each attempt.
func (g *throughGateway) NothingAsked(context.Context, string, time.Time, time.Duration) bool {
	return false
}

// What the gateway has looked after, or looks after.

func (g *throughGateway) DeleteBeats(context.Context, history.Run, int64) error     { return nil }
func (g *throughGateway) MarkStarted(context.Context, history.Run, int64) error     { return nil }
func (g *throughGateway) Started(context.Context, history.Run, int64) (bool, error) { return true, nil }

func (g *throughGateway) Claim(_ context.Context, _ history.Run, _ int64, claimer string) (string, error) {
	return claimer, nil
}

func (g *throughGateway) ReportedFailure(context.Context, history.Run, int64) ([]byte, error) {
	return nil, fmt.Errorf("%w: the gateway applies it", streams.ErrNotFound)
}

// What only somebody can know who reads the streams.

func (g *throughGateway) ReadInbox(context.Context, history.Address, history.Source, int) ([]streams.Waiting, error) {
	return nil, notOffered("reading inboxes")
}

func (g *throughGateway) FindStart(context.Context, history.Run) (*streams.StoredStart, error) {
	return nil, notOffered("reading runs")
}

func (g *throughGateway) Load(context.Context, history.Run, uint64) (*streams.Loaded, error) {
	return nil, notOffered("reading runs")
}

func (g *throughGateway) GetBody(context.Context, history.Run, *history.BodyRef) ([]byte, error) {
	return nil, notOffered("reading runs")
}

func (g *throughGateway) PutDeadLetter(context.Context, streams.DeadLetter) error {
	return notOffered("dead letters")
}

func notOffered(what string) error {
	return serviceerror.NewUnimplemented(what + " is not offered by a gateway")
}

// Consume begins to ask for the tasks of a queue.
func (g *throughGateway) Consume(_ context.Context, _ streams.Lane, queue, _ string, _ streams.ConsumeOptions) (source, error) {
	s := &polls{gateway: g, queue: queue, arrived: make(chan *streams.Delivery, maxPolls)}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// maxPolls is how many requests for a task a worker has under way.
const maxPolls = 8

// polls asks a gateway for the tasks of a queue.
type polls struct {
	gateway *throughGateway
	queue   string
	life    context.Context
	end     context.CancelFunc
	group   sync.WaitGroup
	// arrived has room for what all polls bring.
	arrived chan *streams.Delivery

	mu   sync.Mutex // guards open
	open int
}

// Pull asks for as many tasks as there is room for, and returns when one has come. Others may come later, for the next
// call.
func (s *polls) Pull(ctx context.Context, most int) ([]*streams.Delivery, error) {
	s.mu.Lock()
	for s.open < min(most, maxPolls) {
		s.open++
		s.group.Go(s.runPoll)
	}
	s.mu.Unlock()
	select {
	case d := <-s.arrived:
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
		return []*streams.Delivery{d}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.life.Done():
		return nil, streams.ErrClosed
	}
}

// runPoll asks until there is a task.
func (s *polls) runPoll() {
	g := s.gateway
	for s.life.Err() == nil {
		request := &gatewire.PollRequest{Identity: g.identity, WaitMillis: ask.LongWait.Milliseconds(), LeaseMillis: g.lease.Milliseconds(), Types: g.types()}
		var task gatewire.PollReply
		err := g.caller.Call(s.life, gatewire.Poll, s.queue, ask.LongWait, request, &task)
		if err != nil && s.life.Err() == nil {
			// Nothing that a repetition mends at once: permissions, limits, a gateway of another version.
			g.logger.Error("gateway gives no tasks", "taskQueue", s.queue, "error", err)
			select {
			case <-s.life.Done():
			case <-time.After(pollPause):
			}
		}
		if err == nil && len(task.Token) > 0 {
			s.arrived <- s.delivery(&task)
			return
		}
	}
}

// pollPause is the time between two requests after one that was refused.
const pollPause = 5 * time.Second

// delivery is a task as the queue itself would deliver it, for the first time and just published.
func (s *polls) delivery(r *gatewire.PollReply) *streams.Delivery {
	task := r.Task(s.queue)
	b := &borrowed{gateway: s.gateway, key: activityKey{task.Run.Run, task.Event}, queue: s.queue, token: r.Token, attempt: r.Attempt,
		details: r.HeartbeatDetails}
	s.gateway.mu.Lock()
	s.gateway.held[b.key] = b
	s.gateway.mu.Unlock()
	data, err := history.Encode(task)
	if err != nil {
		s.gateway.logger.Error("activity task has no encoding", "run", task.Run.Run.String(), "error", err)
	}
	return &streams.Delivery{Lane: streams.LaneTasks, Run: task.Run, Queue: s.queue, Activity: task.Event, Deliveries: 1,
		Published: time.Now(), Data: data, Acker: b}
}

// Drain gives the open requests up. A task that was on its way is not accepted, and goes to another worker.
func (s *polls) Drain() []*streams.Delivery {
	s.end()
	s.group.Wait()
	var left []*streams.Delivery
	for {
		select {
		case d := <-s.arrived:
			left = append(left, d)
		default:
			return left
		}
	}
}

// checkGateway refuses what a worker cannot do through a gateway.
func (w *worker) checkGateway(runsWorkflows bool) error {
	switch {
	case w.core.Gateway == nil:
		return nil
	case runsWorkflows && !w.options.DisableWorkflowWorker:
		return notOffered("running workflows (this worker registers some: it needs a client with Options.Gateway nil, whose user may reach the namespace's streams)")
	case w.options.EnableSessionWorker:
		return notOffered("Options.EnableSessionWorker")
	case w.options.DeploymentOptions.UseVersioning:
		return notOffered("Options.DeploymentOptions.UseVersioning")
	case w.options.TaskQueueActivitiesPerSecond > 0:
		return notOffered("Options.TaskQueueActivitiesPerSecond")
	case w.options.WorkerLossTimeout < gatewire.MinLease || w.options.WorkerLossTimeout > gatewire.MaxLease:
		return fmt.Errorf("%w: Options.WorkerLossTimeout is %v, must be %v to %v with a gateway", ErrInvalidOptions,
			w.options.WorkerLossTimeout, gatewire.MinLease, gatewire.MaxLease)
	}
	return nil
}

func (w *worker) newThroughGateway(logger log.Logger) *throughGateway {
	return &throughGateway{caller: w.core.Gateway, identity: w.options.Identity, lease: w.options.WorkerLossTimeout, logger: logger,
		types: w.pollTypes, held: map[activityKey]*borrowed{}}
}

// pollTypes are the activity types to ask for, none for all.
func (w *worker) pollTypes() []string {
	if types := w.registry.activityTypes(); len(types) <= gatewire.MaxTypes {
		return types
	}
	return nil
}

// durability is the profile that the namespace's streams promise, as far as it is known here.
func (w *worker) durability() any {
	if w.core.Streams == nil {
		return "the gateway's"
	}
	return w.core.Streams.Durability().Profile
}
