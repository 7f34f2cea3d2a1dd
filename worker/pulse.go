package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// A pulse is what a worker sends while it holds a task: signs of life that keep the task from being given to others,
// and the heartbeats of the function. In return it sees whether the activity is to be canceled.
//
// Most attempts end before there is anything to send: the goroutine that sends begins when firstLook is over, or with the
// first heartbeat.
type pulse struct {
	a *attempt
	// life ends what is being sent; stop ends life.
	life context.Context
	look look
	// nextSign is when the next sign of life is due. Only the goroutine uses it.
	nextSign time.Time

	// sending is held while a heartbeat is being stored, so that seal can wait for it.
	sending sync.Mutex

	mu      sync.Mutex // guards the rest
	ended   bool
	looked  bool               // the first look is over
	awaits  *execution         // has its time-outs watched from the first look on, nil for none
	stop    context.CancelFunc // nil until the goroutine runs, like wake and done
	wake    chan struct{}      // tells the goroutine that there is a heartbeat to send
	done    chan struct{}
	beat    *history.Beat
	details *common.Payloads
	beaten  bool // a heartbeat has been recorded since the attempt began
	last    time.Time
	unsent  bool
	late    bool // somebody else has left a newer record: no heartbeat is stored any more
	written bool // HEARTBEATS holds a key of the activity that is deleted with its outcome
	sealed  bool
	// canceled is set when the workflow was seen to ask for cancellation, cause when an operator was seen to have paused
	// or reset the activity. tell is called once for each.
	canceled bool
	cause    error
	tell     func(cause error)
}

// callTimeout bounds one call to the broker between two signs of life.
func (p *pulse) callTimeout() time.Duration { return p.a.w.ackWait / keepAlivesPerAckWait }

const (
	// keepAlivesPerAckWait is how many signs of life must get lost before the task does.
	keepAlivesPerAckWait = 3
	// firstLook is when somebody looks first what was asked of the activity of an attempt, unless that was done before.
	firstLook = time.Second
)

// start begins to keep the attempt's task alive. It must be ended with end.
func (p *pulse) start(ctx context.Context, a *attempt, now time.Time) {
	p.a, p.life = a, ctx
	p.nextSign = now.Add(p.callTimeout())
	p.look.of = p
	a.w.looks.add(&p.look, now)
}

// firstLook is called when the attempt has lasted for a while.
func (p *pulse) firstLook() {
	p.mu.Lock()
	p.launchLocked()
	p.looked = true
	awaits := p.awaits
	p.mu.Unlock()
	if awaits != nil {
		awaits.setAlarm()
	}
}

// watchLater has x's time-outs watched from the first look on, unless that is over, or would be too late for the time given.
func (p *pulse) watchLater(x *execution, until time.Time) bool {
	if until.Before(p.look.due) {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.looked {
		return false
	}
	p.awaits = x
	return true
}

func (p *pulse) launchLocked() {
	if p.ended || p.stop != nil {
		return
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(p.life)
	p.wake, p.done = make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(p.done)
		p.run(ctx)
	}()
}

// end stops the pulse and returns when it sends nothing more. It may be called again.
func (p *pulse) end() {
	p.mu.Lock()
	again := p.ended
	p.ended = true
	stop, done := p.stop, p.done
	p.mu.Unlock()
	if !again {
		p.a.w.looks.remove(&p.look)
	}
	if stop != nil {
		stop()
		<-done
	}
}

func (p *pulse) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	look := true // for what was asked, for the first time
	var throttled time.Time
	for {
		now := time.Now()
		due := p.hasUnsent()
		switch {
		case !now.Before(p.nextSign):
			p.nextSign = now.Add(p.callTimeout())
			p.sendSign(ctx)
			look = true
		case due && !now.Before(throttled):
			if p.storeBeat(ctx) {
				p.tellLate()
			}
			look = true
			throttled = time.Now().Add(p.a.throttle())
		}
		if look {
			p.lookForRequests(ctx)
			look = false
		}
		next := p.nextSign
		if p.hasUnsent() && throttled.Before(next) {
			next = throttled
		}
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.wake:
		}
	}
}

// sendSign tells the broker that the task is still worked at.
func (p *pulse) sendSign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	p.a.hold.keepAlive(ctx)
}

// lookForRequests looks what was asked of the activity.
func (p *pulse) lookForRequests(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	// An error is as good as "not yet": the next look follows.
	canceled, c, err := p.a.asked(ctx)
	if err != nil {
		return
	}
	cause := causeOf(c, p.a.task.Generation)
	if canceled {
		cause = activity.ErrCanceled
	}
	p.mu.Lock()
	known := cause == nil || canceled && p.canceled || !canceled && p.cause != nil
	if canceled {
		p.canceled = true
	} else if p.cause == nil {
		p.cause = cause
	}
	tell := p.tell
	p.mu.Unlock()
	if !known && tell != nil {
		tell(cause)
	}
}

// tellCause has f called when the function is seen to be asked to end, with the reason. A second reason may follow.
func (p *pulse) tellCause(f func(cause error)) {
	p.mu.Lock()
	p.tell = f
	cause := p.cause
	if p.canceled {
		cause = activity.ErrCanceled
	}
	p.mu.Unlock()
	if cause != nil {
		f(cause)
	}
}

// interrupted says whether the activity was seen to be paused or reset, and nobody has asked to cancel it.
func (p *pulse) interrupted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause != nil && !p.canceled
}

// begin lets heartbeats in: b is the record that each of them goes into, written says whether one is stored already.
func (p *pulse) begin(b *history.Beat, written bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beat, p.details, p.last, p.written = b, b.Details, b.Started, written
}

// noteWritten says that HEARTBEATS holds something of the activity which this worker did not write.
func (p *pulse) noteWritten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = true
}

// record takes a heartbeat of the function.
func (p *pulse) record(details *common.Payloads) {
	p.mu.Lock()
	if p.sealed {
		p.mu.Unlock()
		return
	}
	p.details, p.last, p.unsent, p.beaten = details, time.Now(), true, true
	p.launchLocked()
	wake := p.wake
	p.mu.Unlock()
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (p *pulse) hasUnsent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// storeBeat stores the newest heartbeat, or says that it has met a newer attempt.
func (p *pulse) storeBeat(ctx context.Context) (late bool) {
	p.sending.Lock()
	defer p.sending.Unlock()
	b, ok := p.takeUnsent()
	if !ok || !p.a.hold.lasts() {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	err := p.a.putBeat(ctx, &b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, errOutdated) {
		p.late = true
		p.a.log().Info("heartbeats are not stored any more: a newer attempt has begun", "attempt", p.a.number)
		return true
	}
	if err != nil {
		p.unsent = true
		p.a.log().Warn("heartbeat could not be stored", "error", err)
		return false
	}
	p.written = true
	return false
}

func (p *pulse) isLate() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late
}

// tellLate ends the function's context: what it does somebody else is doing again.
func (p *pulse) tellLate() {
	p.mu.Lock()
	tell := p.tell
	p.mu.Unlock()
	if tell != nil {
		tell(errOutdated)
	}
}

// takeUnsent is the record with the newest heartbeat, if that is still to be stored.
func (p *pulse) takeUnsent() (history.Beat, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sealed || !p.unsent {
		return history.Beat{}, false
	}
	p.unsent = false
	if p.late {
		return history.Beat{}, false
	}
	return p.currentLocked(), true
}

// currentLocked is the attempt's record with the last heartbeat.
func (p *pulse) currentLocked() history.Beat {
	b := *p.beat
	b.Details = p.details
	if p.beaten {
		b.Time = p.last
	}
	return b
}

// lastBeat is when the function was last heard of: its last heartbeat, or its start.
func (p *pulse) lastBeat() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// seal ends the heartbeats, so that none is stored over what the attempt's end writes, and returns the record with the
// last of them. written says whether a record is stored.
func (p *pulse) seal() (b history.Beat, written bool) {
	p.mu.Lock()
	p.sealed = true
	p.mu.Unlock()
	p.sending.Lock() // wait for one that is on its way
	defer p.sending.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.currentLocked(), p.written
}

// cancelRequested says whether cancellation was seen to be asked for.
func (p *pulse) cancelRequested() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.canceled
}
