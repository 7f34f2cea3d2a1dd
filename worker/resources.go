package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/log"
)

// SysInfoProvider tells how busy the machine is. Its methods are called concurrently and should be quick.
type SysInfoProvider interface {
	// MemoryUsage and CpuUsage are between 0 and 1.
	MemoryUsage(infoContext *SysInfoContext) (float64, error)
	CpuUsage(infoContext *SysInfoContext) (float64, error)
}

// SysInfoContext is what a SysInfoProvider may use.
type SysInfoContext struct {
	Logger log.Logger
}

// HasSysInfoProvider is what a SlotSupplier may be besides.
type HasSysInfoProvider interface {
	SysInfoProvider() SysInfoProvider
}

// ResourceControllerOptions are the options of NewResourceController; begin with DefaultResourceControllerOptions. For
// each of memory and CPU a PID controller compares the usage with the target; slots are handed out while the outputs of
// both are above their thresholds.
type ResourceControllerOptions struct {
	// MemTargetPercent and CpuTargetPercent are usages to aim at, between 0 and 1.
	MemTargetPercent float64
	CpuTargetPercent float64
	// InfoSupplier tells the usages. Nil means: on Linux the memory of the control group, or without a limit that of the
	// machine, and the CPU time of this process; elsewhere they are unknown, and only MinSlots are handed out.
	InfoSupplier SysInfoProvider

	MemOutputThreshold float64
	CpuOutputThreshold float64

	MemPGain float64
	MemIGain float64
	MemDGain float64
	CpuPGain float64
	CpuIGain float64
	CpuDGain float64
}

// DefaultResourceControllerOptions aim at 80% of the memory and 90% of the CPU.
func DefaultResourceControllerOptions() ResourceControllerOptions {
	return ResourceControllerOptions{
		MemTargetPercent: 0.8, CpuTargetPercent: 0.9,
		MemOutputThreshold: 0.25, CpuOutputThreshold: 0.05,
		MemPGain: 5, MemDGain: 1, CpuPGain: 5, CpuDGain: 1,
	}
}

// ResourceController decides for slot suppliers whether the machine has room for more. Several suppliers may share one.
// It is safe for concurrent use.
type ResourceController struct {
	options ResourceControllerOptions
	now     func() time.Time

	mu       sync.Mutex // guards the rest
	measured time.Time
	roomy    bool
	mem, cpu pid
}

// measureEvery is how long a measurement is believed.
const measureEvery = 100 * time.Millisecond

// NewResourceController returns a controller.
func NewResourceController(options ResourceControllerOptions) *ResourceController {
	if options.InfoSupplier == nil {
		options.InfoSupplier = &processInfo{}
	}
	return &ResourceController{
		options: options, now: time.Now,
		mem: pid{p: options.MemPGain, i: options.MemIGain, d: options.MemDGain},
		cpu: pid{p: options.CpuPGain, i: options.CpuIGain, d: options.CpuDGain},
	}
}

// hasRoom says whether another slot may be handed out.
func (c *ResourceController) hasRoom(logger log.Logger) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	elapsed := now.Sub(c.measured)
	if !c.measured.IsZero() && elapsed < measureEvery {
		return c.roomy
	}
	if c.measured.IsZero() {
		elapsed = measureEvery
	}
	c.measured, c.roomy = now, false
	o := c.options
	mem, err := o.InfoSupplier.MemoryUsage(&SysInfoContext{Logger: logger})
	if err != nil {
		logger.Warn("memory usage is not known: only the least number of slots is handed out", "error", err)
		return false
	}
	cpu, err := o.InfoSupplier.CpuUsage(&SysInfoContext{Logger: logger})
	if err != nil {
		logger.Warn("CPU usage is not known: only the least number of slots is handed out", "error", err)
		return false
	}
	memOut, cpuOut := c.mem.update(o.MemTargetPercent-mem, elapsed), c.cpu.update(o.CpuTargetPercent-cpu, elapsed)
	c.roomy = memOut > o.MemOutputThreshold && cpuOut > o.CpuOutputThreshold
	return c.roomy
}

// pid is a PID controller.
type pid struct {
	p, i, d        float64
	integral, last float64
}

// update returns the output for a difference to the target.
func (c *pid) update(difference float64, elapsed time.Duration) float64 {
	seconds := elapsed.Seconds()
	c.integral += difference * seconds
	out := c.p*difference + c.i*c.integral + c.d*(difference-c.last)/max(seconds, 1)
	c.last = difference
	return out
}

// ResourceBasedSlotSupplierOptions are the options of NewResourceBasedSlotSupplier.
type ResourceBasedSlotSupplierOptions struct {
	// MinSlots are handed out whatever the usage is, MaxSlots at most.
	MinSlots int
	MaxSlots int
	// RampThrottle is the time between two slots beyond MinSlots, so that their effect can show.
	RampThrottle time.Duration
}

// DefaultWorkflowResourceBasedSlotSupplierOptions are 5 to 1,000 slots.
func DefaultWorkflowResourceBasedSlotSupplierOptions() ResourceBasedSlotSupplierOptions {
	return ResourceBasedSlotSupplierOptions{MinSlots: 5, MaxSlots: 1000}
}

// DefaultActivityResourceBasedSlotSupplierOptions are 1 to 10,000 slots, one each 50 ms.
func DefaultActivityResourceBasedSlotSupplierOptions() ResourceBasedSlotSupplierOptions {
	return ResourceBasedSlotSupplierOptions{MinSlots: 1, MaxSlots: 10_000, RampThrottle: 50 * time.Millisecond}
}

// ResourceBasedSlotSupplier hands out slots while the machine has room.
type ResourceBasedSlotSupplier struct {
	controller *ResourceController
	options    ResourceBasedSlotSupplierOptions

	mu   sync.Mutex // guards last
	last time.Time
}

var (
	_ SlotSupplier       = (*ResourceBasedSlotSupplier)(nil)
	_ HasSysInfoProvider = (*ResourceBasedSlotSupplier)(nil)
)

// NewResourceBasedSlotSupplier returns a supplier.
func NewResourceBasedSlotSupplier(controller *ResourceController, options ResourceBasedSlotSupplierOptions) (*ResourceBasedSlotSupplier, error) {
	switch {
	case controller == nil:
		return nil, fmt.Errorf("%w: resource-based slots: the controller is nil", ErrInvalidOptions)
	case options.MinSlots < 0 || options.MaxSlots < 1 || options.MinSlots > options.MaxSlots:
		return nil, fmt.Errorf("%w: resource-based slots: MinSlots is %d and MaxSlots %d, must be a range that ends at 1 or more",
			ErrInvalidOptions, options.MinSlots, options.MaxSlots)
	case options.RampThrottle < 0:
		return nil, fmt.Errorf("%w: resource-based slots: RampThrottle is %v, must be at least 0", ErrInvalidOptions, options.RampThrottle)
	}
	return &ResourceBasedSlotSupplier{controller: controller, options: options}, nil
}

// slotPause is how long ReserveSlot waits before it looks again.
const slotPause = 20 * time.Millisecond

// ReserveSlot is documented at SlotSupplier, as are the other methods.
func (s *ResourceBasedSlotSupplier) ReserveSlot(ctx context.Context, info SlotReservationInfo) (*SlotPermit, error) {
	for {
		if p := s.TryReserveSlot(info); p != nil {
			return p, nil
		}
		pause := time.NewTimer(max(slotPause, s.options.RampThrottle))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		case <-pause.C:
		}
	}
}

// TryReserveSlot is documented at SlotSupplier.
func (s *ResourceBasedSlotSupplier) TryReserveSlot(info SlotReservationInfo) *SlotPermit {
	issued := info.NumIssuedSlots()
	if issued < s.options.MinSlots {
		return &SlotPermit{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.controller.now()
	if issued >= s.options.MaxSlots || now.Sub(s.last) < s.options.RampThrottle || !s.controller.hasRoom(info.Logger()) {
		return nil
	}
	s.last = now
	return &SlotPermit{}
}

// MarkSlotUsed does nothing.
func (s *ResourceBasedSlotSupplier) MarkSlotUsed(SlotMarkUsedInfo) {}

// ReleaseSlot does nothing.
func (s *ResourceBasedSlotSupplier) ReleaseSlot(SlotReleaseInfo) {}

// MaxSlots is that of the options.
func (s *ResourceBasedSlotSupplier) MaxSlots() int { return s.options.MaxSlots }

// SysInfoProvider is the controller's.
func (s *ResourceBasedSlotSupplier) SysInfoProvider() SysInfoProvider {
	return s.controller.options.InfoSupplier
}

// ResourceBasedTunerOptions are the options of NewResourceBasedTuner.
type ResourceBasedTunerOptions struct {
	// TargetMem and TargetCpu are usages to aim at, above 0 and at most 1.
	TargetMem float64
	TargetCpu float64
	// InfoSupplier is that of ResourceControllerOptions.
	InfoSupplier SysInfoProvider
	// ActivityRampThrottle and WorkflowRampThrottle are the time between two slots. 0 means 50 ms for activities and none
	// for workflows.
	ActivityRampThrottle time.Duration
	WorkflowRampThrottle time.Duration
}

// NewResourceBasedTuner returns a tuner with the default ranges of slots and one controller.
func NewResourceBasedTuner(opts ResourceBasedTunerOptions) (WorkerTuner, error) {
	if !(opts.TargetMem > 0 && opts.TargetMem <= 1 && opts.TargetCpu > 0 && opts.TargetCpu <= 1) {
		return nil, fmt.Errorf("%w: resource-based tuner: TargetMem is %v and TargetCpu %v, must be above 0 and at most 1",
			ErrInvalidOptions, opts.TargetMem, opts.TargetCpu)
	}
	o := DefaultResourceControllerOptions()
	o.MemTargetPercent, o.CpuTargetPercent, o.InfoSupplier = opts.TargetMem, opts.TargetCpu, opts.InfoSupplier
	c := NewResourceController(o)
	workflows, activities := DefaultWorkflowResourceBasedSlotSupplierOptions(), DefaultActivityResourceBasedSlotSupplierOptions()
	workflows.RampThrottle = opts.WorkflowRampThrottle
	if opts.ActivityRampThrottle != 0 {
		activities.RampThrottle = opts.ActivityRampThrottle
	}
	w, err := NewResourceBasedSlotSupplier(c, workflows)
	if err != nil {
		return nil, err
	}
	a, err := NewResourceBasedSlotSupplier(c, activities)
	if err != nil {
		return nil, err
	}
	return &compositeTuner{w, a, a, a}, nil
}
