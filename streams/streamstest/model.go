package streamstest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// dedupWindow is how long the inbox remembers a message's identity.
const dedupWindow = 30 * time.Second

// Clock tells a model the time. It is called with the model's lock held and must not use the model.
type Clock func() time.Time

// Options configure a Model. The zero value is a namespace called "model" on the system's clock, without faults.
type Options struct {
	// Name is the namespace's name.
	Name string
	// Clock is the time before Advance adds to it; nil is time.Now, which inside a testing/synctest bubble is the
	// bubble's clock.
	Clock Clock
	// Hook decides which calls fail and how; nil lets all of them proceed.
	Hook Hook
	// Limits bound the sizes of messages; the zero value is those of a server with its default largest payload.
	Limits streams.Limits
}

// Model is a namespace in memory: it has the methods of *streams.Namespace that coordinators, workers and clients
// use, with the meaning that they have on JetStream. It runs no goroutine and needs no closing. All methods are safe
// for concurrent use.
//
// Time passes by itself with the Clock, and at once with Advance: redeliveries and wake-ups come when an operation or
// a blocked Pull finds them due.
type Model struct {
	name   string
	clock  Clock
	hook   Hook
	limits streams.Limits

	mu sync.Mutex // guards everything below
	// ahead is what Advance added to the clock.
	ahead time.Duration
	epoch uint64
	calls map[call]int

	history, inbox, tasks *stream
	starts                []*message // of the history
	// sent is when a message of an identity was last stored in the inbox.
	sent  map[sentKey]time.Time
	armed map[history.Run]wakeUp
	// nextArmed is no later than the first of those that are armed, zero when none is.
	nextArmed time.Time
	beats     map[beatKey]beatValue
	beatSeq   uint64    // of the newest of them
	asked     time.Time // when something was last asked of an activity
	letters   []streams.DeadLetter
	handlers  map[durableName][]*queryHandler
	// listeners are those of each waiter.
	listeners map[string][]*listener
}

type call struct {
	op  Op
	run history.Run
}

// New returns an empty namespace.
func New(o Options) *Model {
	m := &Model{
		name:     o.Name,
		clock:    o.Clock,
		hook:     o.Hook,
		limits:   o.Limits,
		calls:    make(map[call]int),
		history:  newStream(false),
		inbox:    newStream(true),
		tasks:    newStream(true),
		sent:     make(map[sentKey]time.Time),
		armed:    make(map[history.Run]wakeUp),
		beats:    make(map[beatKey]beatValue),
		handlers: make(map[durableName][]*queryHandler),

		listeners: make(map[string][]*listener),
	}
	if m.name == "" {
		m.name = "model"
	}
	if m.clock == nil {
		m.clock = time.Now
	}
	if m.limits == (streams.Limits{}) {
		m.limits = streams.LimitsOf(1 << 20)
	}
	return m
}

// Name is the namespace's name.
func (m *Model) Name() string { return m.name }

// Epoch counts the losses that LoseTail inflicts.
func (m *Model) Epoch() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.epoch
}

// Partitions is 1: what the parts of a namespace do not share, they do not need a model of.
func (m *Model) Partitions() int { return 1 }

// Partition is 0 for every workflow ID.
func (m *Model) Partition(string) int { return 0 }

// Limits are those of the Options.
func (m *Model) Limits() streams.Limits { return m.limits }

// Now is the model's time.
func (m *Model) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now()
}

// Advance moves the model's time forward by d, so that what falls due by then is delivered.
func (m *Model) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead += d
	m.settle()
	for _, s := range []*stream{m.history, m.inbox, m.tasks} {
		s.wakeAll()
	}
}

func (m *Model) now() time.Time { return m.clock().Add(m.ahead) }

// fault counts a call and asks the hook about it.
func (m *Model) fault(op Op, run history.Run) Fault {
	if m.hook == nil {
		return Proceed
	}
	m.mu.Lock()
	c := call{op, run}
	m.calls[c]++
	n := m.calls[c]
	m.mu.Unlock()
	return m.hook(op, run, n)
}

// do is one operation, on a model in which everything that is due has happened.
func (m *Model) do(ctx context.Context, op Op, run history.Run, f func(Fault) error) error {
	return m.act(ctx, op, run, func(fault Fault) error {
		m.settle()
		return f(fault)
	})
}

// act runs f under the lock, as often as the fault says.
func (m *Model) act(ctx context.Context, op Op, run history.Run, f func(Fault) error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(op, run, err)
	}
	fault := m.fault(op, run)
	if fault == Lost {
		return unavailable(op, run, ErrInjected)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	err := f(fault)
	if fault == Duplicate && err == nil {
		f(fault) // whoever sends twice hears only the first answer
	}
	if fault == Ambiguous {
		return unavailable(op, run, ErrInjected)
	}
	if err != nil {
		return fmt.Errorf("%s run=%s: %w", op, run, err)
	}
	return nil
}

func unavailable(op Op, run history.Run, cause error) error {
	return fmt.Errorf("%s run=%s: %w: %w", op, run, streams.ErrUnavailable, cause)
}

// valid refuses what package streams refuses before it asks the broker.
func (m *Model) valid(run history.Run, queue string, size int) error {
	if err := streams.CheckWorkflowID(run.WorkflowID); err != nil {
		return err
	}
	if err := streams.CheckTaskQueue(queue); err != nil {
		return err
	}
	return m.fits(size)
}

// validActivity refuses what is not the number of an event; lowest is 1, or 0 where that stands for the run itself.
func validActivity(activity, lowest int64) error {
	if activity < lowest {
		return &streams.InvalidError{
			Field: "activity", Value: strconv.FormatInt(activity, 10), Limit: fmt.Sprintf("at least %d", lowest),
		}
	}
	return nil
}

func (m *Model) fits(size int) error {
	if size > m.limits.MaxRecord {
		return fmt.Errorf("%d bytes, of at most %d: %w", size, m.limits.MaxRecord, streams.ErrTooLarge)
	}
	return nil
}
