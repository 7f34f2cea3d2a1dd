package worker

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// A pulse is what a worker sends while it holds a task: signs of life that keep the task from being given to others,
// and the heartbeats of the function. In return it sees whether the activity is to be canceled.
type pulse struct {
	a *attempt
	// canceled is closed when the workflow was seen to ask for cancellation.
	canceled   chan struct{}
	cancelOnce sync.Once
	// wake tells the loop that there is a heartbeat to send.
	wake chan struct{}

	stop func()
	done chan struct{}

	// sending is held while a heartbeat is being stored, so that seal can wait for it.
	sending sync.Mutex

	mu      sync.Mutex // guards the rest
	beat    *history.Beat
	details *common.Payloads
	beaten  bool // a heartbeat has been recorded since the attempt began
	last    time.Time
	unsent  bool
	written bool // HEARTBEATS holds a key of the activity that is deleted with its outcome
	sealed  bool
}

// callTimeout bounds one call to the broker between two signs of life.
func (p *pulse) callTimeout() time.Duration { return p.a.w.ackWait / keepAlivesPerAckWait }

// keepAlivesPerAckWait is how many signs of life must get lost before the task does.
const keepAlivesPerAckWait = 3

// startPulse begins to keep the attempt's task alive. It must be ended with end.
func startPulse(ctx context.Context, a *attempt) *pulse {
	ctx, cancel := context.WithCancel(ctx)
	p := &pulse{
		a:        a,
		canceled: make(chan struct{}),
		wake:     make(chan struct{}, 1),
		stop:     cancel,
		done:     make(chan struct{}),
	}
	go func() {
		defer close(p.done)
		p.run(ctx)
	}()
	return p
}

// end stops the pulse and returns when it sends nothing more. It may be called again.
func (p *pulse) end() {
	p.stop()
	<-p.done
}

func (p *pulse) run(ctx context.Context) {
	alive := time.NewTicker(p.callTimeout())
	defer alive.Stop()
	throttle := time.NewTimer(0)
	defer throttle.Stop()
	waiting := false // for the throttle
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
			p.keepAlive(ctx)
			p.lookForCancel(ctx)
		case <-p.wake:
			if !waiting {
				waiting = true
				p.sendBeat(ctx)
				throttle.Reset(p.a.throttle())
			}
		case <-throttle.C:
			waiting = false
			if p.hasUnsent() {
				waiting = true
				p.sendBeat(ctx)
				throttle.Reset(p.a.throttle())
			}
		}
	}
}

// keepAlive restarts the task's AckWait. The fence counts from before the request: that is when the broker may have
// heard it at the earliest.
func (p *pulse) keepAlive(ctx context.Context) {
	if !p.a.fence.holds() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	sent := time.Now()
	if err := p.a.delivery.InProgress(ctx); err == nil {
		p.a.fence.confirm(sent)
	}
}

// lookForCancel reads the cancel flag, once a function runs that can be canceled.
func (p *pulse) lookForCancel(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	// An error is as good as "not yet": the next look follows.
	if yes, err := p.a.w.broker.CancelRequested(ctx, p.a.run(), p.a.task.Event); err == nil && yes {
		p.cancelOnce.Do(func() { close(p.canceled) })
	}
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
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pulse) hasUnsent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unsent
}

// sendBeat stores the newest heartbeat and looks for a cancel request, as the answer to a heartbeat does.
func (p *pulse) sendBeat(ctx context.Context) {
	p.storeBeat(ctx)
	p.lookForCancel(ctx)
}

func (p *pulse) storeBeat(ctx context.Context) {
	p.sending.Lock()
	defer p.sending.Unlock()
	b, ok := p.takeUnsent()
	if !ok || !p.a.fence.holds() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.callTimeout())
	defer cancel()
	err := p.a.putBeat(ctx, &b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.unsent = true
		p.a.logger.Warn("heartbeat could not be stored", "error", err)
		return
	}
	p.written = true
}

// takeUnsent is the record with the newest heartbeat, if that is still to be stored.
func (p *pulse) takeUnsent() (history.Beat, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sealed || !p.unsent {
		return history.Beat{}, false
	}
	p.unsent = false
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
	select {
	case <-p.canceled:
		return true
	default:
		return false
	}
}
