package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/log"
)

// WorkerTuner says how much a worker does at a time. Of the supplier of workflow slots only MaxSlots counts, and of that
// of local activities: both are held in memory, where they cost little.
type WorkerTuner interface {
	GetWorkflowTaskSlotSupplier() SlotSupplier
	GetActivityTaskSlotSupplier() SlotSupplier
	GetLocalActivitySlotSupplier() SlotSupplier
	// GetSessionActivitySlotSupplier is asked for MaxSlots only: how many sessions the worker holds at a time.
	GetSessionActivitySlotSupplier() SlotSupplier
}

// SlotSupplier hands out slots: permits to do one thing. Its methods are called concurrently.
type SlotSupplier interface {
	// ReserveSlot blocks until there is a slot. Its error is the context's.
	ReserveSlot(ctx context.Context, info SlotReservationInfo) (*SlotPermit, error)
	// TryReserveSlot returns nil when there is no slot now. It must not block.
	TryReserveSlot(info SlotReservationInfo) *SlotPermit
	// MarkSlotUsed tells that something is done in a slot that was reserved. It must not block.
	MarkSlotUsed(info SlotMarkUsedInfo)
	// ReleaseSlot takes a slot back. Permits of one supplier are alike: which of them comes back when does not tell what
	// has ended. It must not block.
	ReleaseSlot(info SlotReleaseInfo)
	// MaxSlots is the largest number of slots that there ever are at a time.
	MaxSlots() int
}

// SlotPermit is a reserved slot.
type SlotPermit struct {
	// UserData is the supplier's.
	UserData any
}

type (
	// SlotReservationInfo says for what a slot is asked.
	SlotReservationInfo interface {
		TaskQueue() string
		TaskQueueKind() enums.TaskQueueKind
		WorkerBuildId() string
		WorkerIdentity() string
		// NumIssuedSlots is how many slots of the supplier this worker has.
		NumIssuedSlots() int
		Logger() log.Logger
		MetricsHandler() client.MetricsHandler
	}

	// SlotMarkUsedInfo says which slot is used.
	SlotMarkUsedInfo interface {
		Permit() *SlotPermit
		Logger() log.Logger
		MetricsHandler() client.MetricsHandler
	}

	// SlotReleaseInfo says which slot comes back, and why.
	SlotReleaseInfo interface {
		Permit() *SlotPermit
		Reason() SlotReleaseReason
		Logger() log.Logger
		MetricsHandler() client.MetricsHandler
	}
)

// SlotReleaseReason is why a slot comes back.
type SlotReleaseReason int

const (
	// SlotReleaseReasonTaskProcessed is for a slot in which something was done.
	SlotReleaseReasonTaskProcessed SlotReleaseReason = iota
	// SlotReleaseReasonUnused is for one in which nothing was done.
	SlotReleaseReasonUnused
)

// NewFixedSizeSlotSupplier returns a supplier of always the same number of slots.
func NewFixedSizeSlotSupplier(numSlots int) (SlotSupplier, error) {
	if numSlots < 1 {
		return nil, fmt.Errorf("%w: number of slots is %d, must be at least 1", ErrInvalidOptions, numSlots)
	}
	return &fixedSupplier{free: make(chan struct{}, numSlots)}, nil
}

// fixedSupplier holds a token for each slot that is taken. A worker that meets it counts for itself.
type fixedSupplier struct{ free chan struct{} }

func (s *fixedSupplier) ReserveSlot(ctx context.Context, _ SlotReservationInfo) (*SlotPermit, error) {
	select {
	case s.free <- struct{}{}:
		return &SlotPermit{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *fixedSupplier) TryReserveSlot(SlotReservationInfo) *SlotPermit {
	select {
	case s.free <- struct{}{}:
		return &SlotPermit{}
	default:
		return nil
	}
}

func (s *fixedSupplier) MarkSlotUsed(SlotMarkUsedInfo)    {}
func (s *fixedSupplier) ReleaseSlot(info SlotReleaseInfo) { <-s.free }
func (s *fixedSupplier) MaxSlots() int                    { return cap(s.free) }

// FixedSizeTunerOptions are the options of NewFixedSizeTuner. 0 means 1,000 each.
type FixedSizeTunerOptions struct {
	NumWorkflowSlots      int
	NumActivitySlots      int
	NumLocalActivitySlots int
}

// NewFixedSizeTuner returns a tuner that has always the same numbers of slots.
func NewFixedSizeTuner(options FixedSizeTunerOptions) (WorkerTuner, error) {
	numbers := []int{options.NumWorkflowSlots, options.NumActivitySlots, options.NumLocalActivitySlots, options.NumActivitySlots}
	suppliers := make([]SlotSupplier, len(numbers))
	for i, n := range numbers {
		setDefault(&n, defaultSlots)
		var err error
		if suppliers[i], err = NewFixedSizeSlotSupplier(n); err != nil {
			return nil, err
		}
	}
	return &compositeTuner{suppliers[0], suppliers[1], suppliers[2], suppliers[3]}, nil
}

// CompositeTunerOptions are the options of NewCompositeTuner. All but SessionActivitySlotSupplier are needed, which is by
// default one of 1,000 slots.
type CompositeTunerOptions struct {
	WorkflowSlotSupplier        SlotSupplier
	ActivitySlotSupplier        SlotSupplier
	LocalActivitySlotSupplier   SlotSupplier
	SessionActivitySlotSupplier SlotSupplier
}

// NewCompositeTuner returns a tuner of the given suppliers.
func NewCompositeTuner(options CompositeTunerOptions) (WorkerTuner, error) {
	if options.WorkflowSlotSupplier == nil || options.ActivitySlotSupplier == nil || options.LocalActivitySlotSupplier == nil {
		return nil, fmt.Errorf("%w: tuner: WorkflowSlotSupplier, ActivitySlotSupplier and LocalActivitySlotSupplier are needed", ErrInvalidOptions)
	}
	if options.SessionActivitySlotSupplier == nil {
		var err error
		if options.SessionActivitySlotSupplier, err = NewFixedSizeSlotSupplier(defaultSlots); err != nil {
			return nil, err
		}
	}
	return &compositeTuner{options.WorkflowSlotSupplier, options.ActivitySlotSupplier, options.LocalActivitySlotSupplier,
		options.SessionActivitySlotSupplier}, nil
}

type compositeTuner struct{ workflow, activity, local, session SlotSupplier }

func (t *compositeTuner) GetWorkflowTaskSlotSupplier() SlotSupplier    { return t.workflow }
func (t *compositeTuner) GetActivityTaskSlotSupplier() SlotSupplier    { return t.activity }
func (t *compositeTuner) GetLocalActivitySlotSupplier() SlotSupplier   { return t.local }
func (t *compositeTuner) GetSessionActivitySlotSupplier() SlotSupplier { return t.session }

// supply is what a worker's slots are backed by when a SlotSupplier has a say: slots bound them by its MaxSlots, and each
// one that is taken has a permit besides.
type supply struct {
	supplier SlotSupplier
	queue    string
	build    string
	identity string
	logger   log.Logger
	metrics  client.MetricsHandler

	mu      sync.Mutex // guards the rest
	permits []*SlotPermit
	// spare are permits that were reserved for what a pull may bring; they count as issued.
	spare []*SlotPermit
}

// supplyOf is nil for a supplier that bounds nothing beyond its MaxSlots.
func supplyOf(s SlotSupplier) *supply {
	if _, fixed := s.(*fixedSupplier); fixed || s == nil {
		return nil
	}
	return &supply{supplier: s, logger: log.Discard{}, metrics: client.MetricsNopHandler}
}

func (s *supply) issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.permits) + len(s.spare)
}

// try takes a permit, if there is one now.
func (s *supply) try() bool {
	if s.useSpare() {
		return true
	}
	return s.hold(s.supplier.TryReserveSlot(&slotInfo{supply: s}))
}

// wait takes a permit. It returns false when stop is closed before there is one.
func (s *supply) wait(stop <-chan struct{}) bool {
	if s.useSpare() {
		return true
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	ended := make(chan struct{})
	defer close(ended)
	go func() { // ends with this call
		select {
		case <-stop:
			cancel(errStopped)
		case <-ended:
		}
	}()
	permit, err := s.supplier.ReserveSlot(ctx, &slotInfo{supply: s})
	if err != nil && !errors.Is(err, context.Canceled) {
		s.logger.Error("slot supplier has no slot and fails", "error", err)
	}
	return err == nil && s.hold(permit)
}

func (s *supply) hold(p *SlotPermit) bool {
	if p == nil {
		return false
	}
	s.mu.Lock()
	s.permits = append(s.permits, p)
	s.mu.Unlock()
	s.supplier.MarkSlotUsed(&slotInfo{supply: s, permit: p})
	return true
}

// give gives a permit back.
func (s *supply) give(reason SlotReleaseReason) {
	s.mu.Lock()
	last := len(s.permits) - 1
	p := s.permits[last]
	s.permits = s.permits[:last]
	s.mu.Unlock()
	s.supplier.ReleaseSlot(&slotInfo{supply: s, permit: p, reason: reason})
}

func (s *supply) useSpare() bool {
	s.mu.Lock()
	last := len(s.spare) - 1
	if last < 0 {
		s.mu.Unlock()
		return false
	}
	p := s.spare[last]
	s.spare = s.spare[:last]
	s.mu.Unlock()
	return s.hold(p)
}

// park makes the last permit a spare one.
func (s *supply) park() {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.permits) - 1
	s.spare = append(s.spare, s.permits[last])
	s.permits = s.permits[:last]
}

// spares reserves permits for what a pull may bring, and returns how many there are.
func (s *supply) spares(most int) int {
	for {
		s.mu.Lock()
		n := len(s.spare)
		s.mu.Unlock()
		if n >= most {
			return n
		}
		p := s.supplier.TryReserveSlot(&slotInfo{supply: s})
		if p == nil {
			return n
		}
		s.mu.Lock()
		s.spare = append(s.spare, p)
		s.mu.Unlock()
	}
}

// unspare gives back what was reserved and is not needed.
func (s *supply) unspare() {
	for s.useSpare() {
		s.give(SlotReleaseReasonUnused)
	}
}

// slotInfo is what suppliers are told.
type slotInfo struct {
	supply *supply
	permit *SlotPermit
	reason SlotReleaseReason
}

func (i *slotInfo) TaskQueue() string                     { return i.supply.queue }
func (i *slotInfo) TaskQueueKind() enums.TaskQueueKind    { return enums.TASK_QUEUE_KIND_NORMAL }
func (i *slotInfo) WorkerBuildId() string                 { return i.supply.build }
func (i *slotInfo) WorkerIdentity() string                { return i.supply.identity }
func (i *slotInfo) NumIssuedSlots() int                   { return i.supply.issued() }
func (i *slotInfo) Logger() log.Logger                    { return i.supply.logger }
func (i *slotInfo) MetricsHandler() client.MetricsHandler { return i.supply.metrics }
func (i *slotInfo) Permit() *SlotPermit                   { return i.permit }
func (i *slotInfo) Reason() SlotReleaseReason             { return i.reason }

// tuned are the options with the numbers of the Tuner.
func (o Options) tuned() Options {
	switch {
	case o.MaxConcurrentActivityExecutionSize != 0, o.MaxConcurrentWorkflowTaskExecutionSize != 0, o.MaxConcurrentLocalActivityExecutionSize != 0:
		o.tuning = fmt.Errorf("%w: Options.Tuner is set: MaxConcurrentActivityExecutionSize, MaxConcurrentWorkflowTaskExecutionSize "+
			"and MaxConcurrentLocalActivityExecutionSize must be 0", ErrInvalidOptions)
		return o
	}
	suppliers := map[string]SlotSupplier{
		"workflow": o.Tuner.GetWorkflowTaskSlotSupplier(), "activity": o.Tuner.GetActivityTaskSlotSupplier(),
		"local activity": o.Tuner.GetLocalActivitySlotSupplier(), "session activity": o.Tuner.GetSessionActivitySlotSupplier(),
	}
	for what, s := range suppliers {
		if s == nil {
			o.tuning = fmt.Errorf("%w: Options.Tuner has no slot supplier for what is %s", ErrInvalidOptions, what)
			return o
		}
		if n := s.MaxSlots(); n < 1 {
			o.tuning = fmt.Errorf("%w: Options.Tuner: %s slots: MaxSlots is %d, must be at least 1", ErrInvalidOptions, what, n)
			return o
		}
	}
	o.MaxConcurrentWorkflowTaskExecutionSize = suppliers["workflow"].MaxSlots()
	o.MaxConcurrentActivityExecutionSize = suppliers["activity"].MaxSlots()
	o.MaxConcurrentLocalActivityExecutionSize = suppliers["local activity"].MaxSlots()
	setDefault(&o.MaxConcurrentSessionExecutionSize, suppliers["session activity"].MaxSlots())
	o.activitySupply = supplyOf(suppliers["activity"])
	return o
}
