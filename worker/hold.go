package worker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// hold is how an attempt has its task: by a delivery of the task queue, or eagerly, by the word of the coordinator that
// has just scheduled the activity.
type hold interface {
	// lasts says whether the attempt may still speak for the task.
	lasts() bool
	// keepAlive keeps the task from being given to others for a while. It gives up when ctx ends.
	keepAlive(ctx context.Context)
	// finish reports the outcome of the activity, and returns when it is durable or in the hands of who makes it so.
	finish(ctx context.Context, r *history.ActivityResult) error
	// drop removes the task, AFTER its outcome was taken. keys says that HEARTBEATS holds something of the activity.
	drop(ctx context.Context, keys bool)
	// release gives the task back for after a delay, AFTER the record b was stored; b is nil when none was.
	release(b *history.Beat, delay time.Duration)
	// early is called when the attempt has been reported, or could not be, before its function returned.
	early()
}

// delivered holds a task by a delivery of its queue.
type delivered struct {
	a        *attempt
	delivery *streams.Delivery
	fence    *fence
}

func (h *delivered) lasts() bool { return h.fence.holds() }

// keepAlive restarts the task's AckWait. The fence counts from before the request: that is when the broker may have
// heard it at the earliest.
func (h *delivered) keepAlive(ctx context.Context) {
	if !h.fence.holds() {
		return
	}
	sent := time.Now()
	if err := h.delivery.InProgress(ctx); err == nil {
		h.fence.confirm(sent)
	}
}

func (h *delivered) finish(ctx context.Context, r *history.ActivityResult) error {
	a := h.a
	if err := a.w.broker.Send(ctx, a.task.Run, &history.Message{ID: strconv.Itoa(int(r.Attempt)), Activity: r}); err != nil {
		return fmt.Errorf("result of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	return nil
}

func (h *delivered) drop(ctx context.Context, keys bool) {
	if !h.fence.holds() {
		return // another delivery may be running: it finds the outcome and acknowledges itself
	}
	a := h.a
	if err := h.delivery.Ack(ctx); err != nil {
		a.log().Debug("acknowledgement was not sent: the task comes again and finds its outcome", "error", err)
	}
	if !keys {
		return
	}
	if err := a.w.broker.DeleteBeats(ctx, a.run(), a.task.Event); err != nil {
		a.log().Debug("heartbeats of a finished activity stay until its run is removed", "error", err)
	}
}

func (h *delivered) release(_ *history.Beat, delay time.Duration) {
	if !h.fence.holds() {
		return
	}
	if err := h.delivery.Nak(delay); err != nil {
		h.a.log().Debug("hand-back was not sent: the task comes again after its time", "error", err)
	}
}

// early has nothing to do: nobody waits for the function.
func (h *delivered) early() {}
