package history

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// ActivityRequest asks something of an activity that has no outcome yet. Exactly one of its parts is set. Who sends it has
// looked the activity up: its event number is of this run only, so that no request is passed on to a successor.
type ActivityRequest struct {
	Pause   *ActivityTaskPaused   `msgpack:"p,omitempty"`
	Unpause *ActivityTaskUnpaused `msgpack:"u,omitempty"`
	Reset   *ActivityTaskReset    `msgpack:"r,omitempty"`
}

// Scheduled is the number of the activity, 0 for a request for none.
func (r *ActivityRequest) Scheduled() int64 {
	switch {
	case r.Pause != nil:
		return r.Pause.Scheduled
	case r.Unpause != nil:
		return r.Unpause.Scheduled
	case r.Reset != nil:
		return r.Reset.Scheduled
	}
	return 0
}

// ActivityParked reports that an activity has no task any more, and no attempt: something was asked of it since its task
// was put into the queue.
type ActivityParked struct {
	Scheduled int64 `msgpack:"s"`
	// Generation is that of the task.
	Generation int64 `msgpack:"g,omitempty"`
	// Attempt is the number of the attempt that would have come next.
	Attempt int32 `msgpack:"at"`
}

// ActivityTaskPaused says that no attempt of an activity is to begin until it is unpaused.
type ActivityTaskPaused struct {
	Scheduled int64  `msgpack:"s"`
	Reason    string `msgpack:"r,omitempty"`
	Identity  string `msgpack:"i,omitempty"`
}

// ActivityTaskUnpaused ends a pause.
type ActivityTaskUnpaused struct {
	Scheduled int64 `msgpack:"s"`
	// ResetAttempts makes the next attempt the first. ResetHeartbeats hides the details of heartbeats from it.
	ResetAttempts   bool `msgpack:"ra,omitempty"`
	ResetHeartbeats bool `msgpack:"rh,omitempty"`
	// NotBefore is when the next attempt may begin, zero for at once.
	NotBefore time.Time `msgpack:"nb,omitempty"`
	Reason    string    `msgpack:"r,omitempty"`
	Identity  string    `msgpack:"i,omitempty"`
}

// ActivityTaskReset makes the next attempt of an activity the first, at once.
type ActivityTaskReset struct {
	Scheduled int64 `msgpack:"s"`
	// KeepPaused leaves a pause as it is, which the reset ends otherwise.
	KeepPaused      bool `msgpack:"kp,omitempty"`
	ResetHeartbeats bool `msgpack:"rh,omitempty"`
	// NotBefore is when the next attempt may begin, zero for at once.
	NotBefore time.Time `msgpack:"nb,omitempty"`
	Reason    string    `msgpack:"r,omitempty"`
	Identity  string    `msgpack:"i,omitempty"`
}

// ActivityTaskParked says that the activity has neither a task nor an attempt, and that its next attempt, whenever it is
// queued again, has the given number.
type ActivityTaskParked struct {
	Scheduled int64 `msgpack:"s"`
	Attempt   int32 `msgpack:"at"`
}

// EventType is ACTIVITY_TASK_PAUSED.
func (*ActivityTaskPaused) EventType() enums.EventType { return enums.EVENT_TYPE_ACTIVITY_TASK_PAUSED }

// EventType is ACTIVITY_TASK_UNPAUSED.
func (*ActivityTaskUnpaused) EventType() enums.EventType {
	return enums.EVENT_TYPE_ACTIVITY_TASK_UNPAUSED
}

// EventType is ACTIVITY_TASK_RESET.
func (*ActivityTaskReset) EventType() enums.EventType { return enums.EVENT_TYPE_ACTIVITY_TASK_RESET }

// EventType is ACTIVITY_TASK_PARKED.
func (*ActivityTaskParked) EventType() enums.EventType { return enums.EVENT_TYPE_ACTIVITY_TASK_PARKED }

func controlAttributes() []Attributes {
	return []Attributes{&ActivityTaskPaused{}, &ActivityTaskUnpaused{}, &ActivityTaskReset{}, &ActivityTaskParked{}}
}

// Control is what was asked of an activity since it was scheduled, and what has become of its task. Coordinators and
// workers fold it from the same events.
//
// At most one task of an activity exists, and its generation is the number of the event that queued it. What was asked
// after that event concerns whoever has the task: no attempt of it begins any more, and none is retried. Instead the task
// is parked: a message says so in the run's inbox BEFORE the task is removed. Only who consumes that message may put a
// task of the next generation into the queue, so that no two attempts run side by side.
type Control struct {
	// Event is the number of the newest request's event, Cover the cover of its record (in a State only).
	Event int64
	Cover string
	// Paused is set from a pause until an unpause; who asked, why and when.
	Paused   bool
	PausedAt time.Time
	Reason   string
	Identity string
	// Interrupt is the number of the newest reset: attempts that began before are told to end.
	Interrupt int64
	// Restart makes the next attempt the first. Forget hides the details of heartbeats from it. It begins not before
	// NotBefore. They are used up by the next generation.
	Restart   bool
	Forget    bool
	NotBefore time.Time
	// Since is when the activity was unpaused or reset last: ScheduleToStart time-outs count from it. Zero for never.
	Since time.Time
	// Parked says that there is no task. Attempt is the number of the attempt that comes next.
	Parked  bool
	Attempt int32
	// Generation is that of the newest task, 0 for the first.
	Generation int64
}

// Bars says whether no attempt of a task of the given generation may begin: something was asked since it was queued, or
// it was queued in a pause, to be canceled.
func (c *Control) Bars(generation int64) bool {
	return c != nil && (c.Paused || c.Event > generation)
}

// ControlOf is the number of the activity whose Control an event changes, 0 for other events.
func ControlOf(e *Event) int64 {
	switch a := e.Attributes.(type) {
	case *ActivityTaskPaused:
		return a.Scheduled
	case *ActivityTaskUnpaused:
		return a.Scheduled
	case *ActivityTaskReset:
		return a.Scheduled
	case *ActivityTaskParked:
		return a.Scheduled
	case *ActivityTaskQueued:
		return a.Scheduled
	case *ActivityTaskCancelRequested:
		return a.Scheduled
	}
	return 0
}

// Apply folds an event of the activity that happened at the given time into c. A pause in a pause and an unpause without
// one change nothing.
func (c *Control) Apply(e *Event, at time.Time) {
	switch a := e.Attributes.(type) {
	case *ActivityTaskPaused:
		if c.Paused {
			return
		}
		c.Event, c.Paused, c.PausedAt, c.Reason, c.Identity = e.ID, true, at, a.Reason, a.Identity
	case *ActivityTaskUnpaused:
		if !c.Paused {
			return
		}
		c.Event = e.ID
		c.resume(at, a.NotBefore)
		if a.ResetAttempts {
			c.restart()
		}
		c.Forget = c.Forget || a.ResetHeartbeats
	case *ActivityTaskReset:
		c.Event, c.Interrupt, c.NotBefore = e.ID, e.ID, a.NotBefore
		if !a.KeepPaused {
			c.resume(at, a.NotBefore)
		}
		c.restart()
		c.Forget = c.Forget || a.ResetHeartbeats
	case *ActivityTaskParked:
		c.Parked, c.Attempt = true, a.Attempt
		if c.Restart {
			c.restart()
		}
	case *ActivityTaskQueued:
		c.nextGeneration(e)
	case *ActivityTaskCancelRequested:
		if c.Parked { // its worker ends it
			c.nextGeneration(e)
		}
	}
}

func (c *Control) resume(at, notBefore time.Time) {
	c.Paused, c.PausedAt, c.Reason, c.Identity = false, time.Time{}, "", ""
	c.Since, c.NotBefore = at, notBefore
}

func (c *Control) restart() { c.Restart, c.Attempt = true, 1 }

func (c *Control) nextGeneration(e *Event) {
	c.Parked, c.Restart, c.Forget, c.NotBefore, c.Generation = false, false, false, time.Time{}, e.ID
}

// queued is the event that ends the parking, with the number of the next attempt.
func (c *Control) queued(scheduled int64) *ActivityTaskQueued {
	return &ActivityTaskQueued{Scheduled: scheduled, Attempt: max(c.Attempt, 1), NotBefore: c.NotBefore, Forget: c.Forget}
}

// control is what the activity's events are folded into.
func (a *PendingActivity) control() *Control {
	if a.Control == nil {
		a.Control = &Control{}
	}
	return a.Control
}

// Generation is that of the activity's task, 0 for the first.
func (a *PendingActivity) Generation() int64 {
	if a.Control == nil {
		return 0
	}
	return a.Control.Generation
}

// parked says that the activity has no task, and that none is to be sent.
func (a *PendingActivity) parked() bool { return a.Control != nil && a.Control.Parked }

// applyControl folds a request, or the end of a task.
func (s *State) applyControl(e *Event, t *Transition) error {
	id := ControlOf(e)
	p, ok := s.Activities[id]
	if !ok {
		return s.illegal(e, fmt.Sprintf("activity %d is not pending", id))
	}
	c := p.control()
	if _, parked := e.Attributes.(*ActivityTaskParked); parked {
		if c.Parked {
			return s.illegal(e, fmt.Sprintf("activity %d is parked already", id))
		}
		p.Eager = false
		c.Apply(e, s.at)
		return nil
	}
	if c.Apply(e, s.at); c.Event != e.ID {
		return nil
	}
	c.Cover = t.Cover
	s.index.cover(t.Cover, id)
	if s.index != nil {
		s.index.due(&s.index.starts, p.StartDeadline(), id)
	}
	return nil
}

// applyQueued folds a task that is put into the queue in place of an eager attempt, or of one that was parked.
func (s *State) applyQueued(e *Event, a *ActivityTaskQueued, t *Transition) error {
	p, ok := s.Activities[a.Scheduled]
	if !ok || !p.Eager && !p.parked() {
		return s.illegal(e, fmt.Sprintf("activity %d has an outcome or a task", a.Scheduled))
	}
	p.Eager, p.Cover, p.FirstAttempt, p.NotBefore, p.Forget = false, t.Cover, a.Attempt, a.NotBefore, a.Forget
	if p.Control != nil {
		p.Control.Apply(e, s.at)
	}
	s.index.cover(t.Cover, a.Scheduled)
	return nil
}

// applyCanceling folds a request to cancel. A parked activity is queued again by it: only a worker ends activities.
func (s *State) applyCanceling(e *Event, a *ActivityTaskCancelRequested, t *Transition) error {
	p, ok := s.Activities[a.Scheduled]
	if !ok || p.CancelRequested {
		return s.illegal(e, fmt.Sprintf("activity %d has an outcome or is being canceled", a.Scheduled))
	}
	if p.parked() {
		p.Cover, p.FirstAttempt, p.NotBefore = t.Cover, max(p.Control.Attempt, 1), time.Time{}
		p.Control.Apply(e, s.at)
	}
	p.CancelRequested, p.CancelCover = true, t.Cover
	s.index.cover(t.Cover, a.Scheduled)
	return nil
}

// control is the activity's Control as the draft leaves it, nil when nothing was asked of it.
func (d *Draft) control(id int64) *Control {
	if c := d.controls[id]; c != nil {
		return c
	}
	if p := d.state.Activities[id]; p != nil {
		return p.Control
	}
	return nil
}

// addControl adds an event that changes the activity's Control.
func (d *Draft) addControl(id int64, a Attributes) *Control {
	d.add(a)
	c := d.controls[id]
	if c == nil {
		c = &Control{}
		if before := d.control(id); before != nil {
			*c = *before
		}
		if d.controls == nil {
			d.controls = map[int64]*Control{}
		}
		d.controls[id] = c
	}
	c.Apply(&d.events[len(d.events)-1], d.time)
	return c
}

// ask takes a request, also one that changes nothing: it might change something later, for whoever is given it again.
func (d *Draft) ask(r *ActivityRequest) Verdict {
	id := r.Scheduled()
	_, ok := d.state.Activities[id]
	if v := d.pending(id, ok); v != Taken {
		return v
	}
	switch {
	case r.Pause != nil:
		d.addControl(id, r.Pause)
	case r.Unpause != nil:
		d.addControl(id, r.Unpause)
	default:
		d.addControl(id, r.Reset)
	}
	d.unpark(id)
	return Taken
}

// parked takes the report that the activity has no task any more.
func (d *Draft) parked(m *ActivityParked) Verdict {
	p, ok := d.state.Activities[m.Scheduled]
	if v := d.pending(m.Scheduled, ok); v != Taken {
		return v
	}
	if m.Generation > d.state.LastEvent || p.Eager { // there was a task, so that it has been queued since
		return Ahead
	}
	c := d.control(m.Scheduled)
	if c != nil && (c.Parked || c.Generation != m.Generation) || c == nil && m.Generation != 0 {
		return Settled
	}
	d.addControl(m.Scheduled, &ActivityTaskParked{Scheduled: m.Scheduled, Attempt: m.Attempt})
	d.unpark(m.Scheduled)
	return Taken
}

// parkEager parks an activity whose eager attempt has ended without an outcome, and of which something was asked.
func (d *Draft) parkEager(q *ActivityTaskQueued) Verdict {
	c := d.control(q.Scheduled)
	if c.Parked || c.Generation > 0 {
		return Settled
	}
	d.addControl(q.Scheduled, &ActivityTaskParked{Scheduled: q.Scheduled, Attempt: q.Attempt})
	d.unpark(q.Scheduled)
	return Taken
}

// unpark queues a parked activity, unless it is paused and nobody has asked to cancel it.
func (d *Draft) unpark(id int64) {
	c := d.control(id)
	if !c.Parked || c.Paused && !d.state.Activities[id].CancelRequested {
		return
	}
	d.addControl(id, c.queued(id))
}
