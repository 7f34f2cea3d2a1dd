package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/log"
)

// machine is a SysInfoProvider that the test sets.
type machine struct {
	mu       sync.Mutex
	mem, cpu float64
	err      error
}

func (m *machine) MemoryUsage(*SysInfoContext) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mem, m.err
}

func (m *machine) CpuUsage(*SysInfoContext) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cpu, m.err
}

func (m *machine) set(mem, cpu float64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mem, m.cpu, m.err = mem, cpu, err
}

// resources is a supply of resource-based slots on a machine and a clock of the test's.
type resources struct {
	*supply
	machine *machine
	now     time.Time
}

func newResources(t *testing.T, o ResourceBasedSlotSupplierOptions) *resources {
	t.Helper()
	r := &resources{machine: &machine{mem: 0.1, cpu: 0.1}, now: time.Unix(1000, 0)}
	options := DefaultResourceControllerOptions()
	options.InfoSupplier = r.machine
	controller := NewResourceController(options)
	controller.now = func() time.Time { return r.now }
	s, err := NewResourceBasedSlotSupplier(controller, o)
	if err != nil {
		t.Fatal(err)
	}
	r.supply = supplyOf(s)
	return r
}

// fill takes permits until there is none, a second apart, and returns how many it got.
func (r *resources) fill() int {
	n := 0
	for r.try() {
		n++
		r.now = r.now.Add(time.Second)
	}
	return n
}

func TestResourceBasedSlotsFollowTheMachine(t *testing.T) {
	r := newResources(t, ResourceBasedSlotSupplierOptions{MinSlots: 2, MaxSlots: 10})
	for _, step := range []struct {
		what     string
		mem, cpu float64
		err      error
		want     int
	}{
		{"idle", 0.1, 0.1, nil, 10},
		{"memory is full", 0.85, 0.1, nil, 2},
		{"processors are busy", 0.1, 0.95, nil, 2},
		{"unknown", 0.1, 0.1, errors.New("no file"), 2},
		{"idle again", 0.1, 0.1, nil, 10},
	} {
		r.machine.set(step.mem, step.cpu, step.err)
		r.now = r.now.Add(time.Second)
		got := r.fill()
		if got != step.want {
			t.Errorf("%s: %d slots, want %d", step.what, got, step.want)
		}
		for range got {
			r.give(SlotReleaseReasonTaskProcessed)
		}
	}
}

func TestResourceBasedSlotsComeOneByOne(t *testing.T) {
	r := newResources(t, ResourceBasedSlotSupplierOptions{MinSlots: 1, MaxSlots: 10, RampThrottle: time.Minute})
	if !r.try() || !r.try() || r.try() {
		t.Fatal("the second slot beyond the least number came at once, or the first did not")
	}
	r.now = r.now.Add(time.Minute)
	if !r.try() {
		t.Error("no slot after the throttle")
	}
}

func TestWaitingForASlotOfASupplierEndsWithTheWorker(t *testing.T) {
	s, err := NewFixedSizeSlotSupplier(1)
	if err != nil {
		t.Fatal(err)
	}
	slots := newSlots(10, 10)
	slots.supply = &supply{supplier: s, logger: log.Discard{}, metrics: client.MetricsNopHandler} // as a custom one
	if !slots.take() || slots.take() || slots.takeEager() {
		t.Fatal("the supplier's word does not count")
	}
	stop := make(chan struct{})
	got := make(chan bool)
	go func() { got <- slots.wait(stop, -1) }()
	slots.give()
	if !<-got {
		t.Fatal("the slot that was given back did not come")
	}
	go func() { got <- slots.wait(stop, -1) }()
	close(stop)
	if <-got {
		t.Error("waiting returned a slot although there is none")
	}
	slots.give()
	if free := slots.waitFree(make(chan struct{})); free != 1 {
		t.Errorf("%d slots are free, want 1", free)
	}
	if !slots.take() {
		t.Error("what was reserved for a pull is not to be had")
	}
	slots.give()
	slots.end()
	if n := slots.supply.issued(); n != 0 {
		t.Errorf("%d permits are left", n)
	}
	if _, err := s.ReserveSlot(context.Background(), nil); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatCannotBeHonoredAreRefused(t *testing.T) {
	tuner, err := NewFixedSizeTuner(FixedSizeTunerOptions{NumActivitySlots: 7, NumWorkflowSlots: 8, NumLocalActivitySlots: 9})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Tuner: tuner}.withDefaults()
	if err := o.validate(); err != nil || o.MaxConcurrentActivityExecutionSize != 7 || o.MaxConcurrentWorkflowTaskExecutionSize != 8 ||
		o.MaxConcurrentLocalActivityExecutionSize != 9 || o.activitySupply != nil {
		t.Errorf("tuned options are %+v, %v", o, err)
	}
	zero := 0
	for what, o := range map[string]Options{
		"two limits":       {Tuner: tuner, MaxConcurrentActivityExecutionSize: 3},
		"queue rate":       {TaskQueueActivitiesPerSecond: -3},
		"no eager":         {MaxEagerActivityReservationsPerWorkflowTask: &zero},
		"panic policy":     {WorkflowPanicPolicy: 7},
		"nameless version": {DeploymentOptions: DeploymentOptions{UseVersioning: true}},
		"behavior alone":   {DeploymentOptions: DeploymentOptions{DefaultVersioningBehavior: 1}},
	} {
		if err := o.withDefaults().validate(); !errors.Is(err, ErrInvalidOptions) {
			t.Errorf("%s: error is %v", what, err)
		}
	}
}

func TestThisProcessCanBeMeasured(t *testing.T) {
	info := &processInfo{}
	mem, err := info.MemoryUsage(nil)
	if err != nil {
		t.Skip(err) // not on this system
	}
	if !(mem > 0 && mem <= 1) {
		t.Errorf("memory usage is %v", mem)
	}
	for range 2 {
		if cpu, err := info.CpuUsage(nil); err != nil || cpu < 0 || cpu > 1 {
			t.Errorf("CPU usage is %v, %v", cpu, err)
		}
	}
}
