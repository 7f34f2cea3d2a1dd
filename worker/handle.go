package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// attempt is one delivery of a task, from its arrival until it is answered, or an eager attempt.
type attempt struct {
	w     *activities
	task  *history.Task
	hold  hold
	pulse pulse
	// delivery is nil for an eager attempt.
	delivery *streams.Delivery

	logging sync.Once
	logger  log.Logger
	// leaving is for the one who says that the worker need not wait for the attempt any more.
	leaving sync.Once

	// found is the heartbeat record that was there before, nil for none.
	found *history.Beat
	// number counts attempts from 1; lost says that the one before it was lost.
	number int32
	lost   bool
	// identity signs what the attempt reports.
	identity string
	// token names the attempt to whoever completes it from outside, nil for the engine's own token.
	token []byte
	// beat is the record of this attempt: what stands in HEARTBEATS while it runs, if anything does. It began at begun,
	// which its start may follow.
	beat  history.Beat
	begun time.Time
	// word is the sequence of the record that the attempt knows to be the last, 0 for none.
	word uint64
	// requests are those for the activity, from operators.
	requests requests
	// alone keeps others from running beside the attempt, nil for nearly all.
	alone *alone.Holder
}

func (a *attempt) run() history.Run { return a.task.Run.Run }

// log is the attempt's logger. Most attempts have nothing to log.
func (a *attempt) log() log.Logger {
	a.logging.Do(func() {
		a.logger = log.With(a.w.logger, "workflowID", a.task.Run.WorkflowID, "runID", a.task.Run.RunID,
			"activityID", a.task.ActivityID, "activityType", a.task.Type)
	})
	return a.logger
}

// leave says that the worker need not wait for the attempt any more.
func (a *attempt) leave() { a.leaving.Do(a.w.busy.Done) }

// begin is where an attempt begins to count.
func (a *attempt) begin(now time.Time) {
	a.beat = history.Beat{}
	if a.found != nil {
		a.beat = *a.found
	}
	a.beat.Attempt, a.beat.Identity = a.number, a.identity
	a.beat.Started, a.beat.Ended, a.begun = now, time.Time{}, now
	a.beat.Generation = a.task.Generation
	if a.found == nil && a.number > 1 && !a.lost {
		a.beat.Lost = 1 // an eager attempt would have left a record
	}
	a.pulse.begin(&a.beat, a.found != nil)
}

// errOutdated means that the attempt has nothing to say any more: somebody else has left a newer record.
var errOutdated = errors.New("a newer attempt has begun")

// wordTries is how often a record is put that is refused although none is newer.
const wordTries = 5

// putBeat stores a heartbeat record, unless a newer one is there: then it returns errOutdated. While nobody else writes that
// takes one request, since the attempt knows the sequence of the last record.
func (a *attempt) putBeat(ctx context.Context, b *history.Beat) error {
	details, err := a.w.payloads.Put(ctx, a.run(), b.Details)
	if errors.Is(err, streams.ErrTooLarge) {
		a.log().Error("heartbeat details are too large: the heartbeat counts without them", "error", err)
		details, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("heartbeat of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	if details != b.Details {
		kept := *b
		kept.Details = details
		b = &kept
	}
	data, err := history.Encode(b)
	if err != nil {
		return err
	}
	seq, err := a.w.broker.PutBeat(ctx, a.run(), a.task.Event, data, a.word)
	if errors.Is(err, streams.ErrConflict) {
		seq, err = a.putRefused(ctx, *b)
	}
	if err != nil {
		return fmt.Errorf("heartbeat of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	a.word = seq
	return nil
}

// putRefused stores a record that was refused because the last one is not the one that the attempt knows: it may be an
// own one whose acknowledgement was lost, or a heartbeat from outside, or it is gone.
func (a *attempt) putRefused(ctx context.Context, b history.Beat) (seq uint64, err error) {
	for range wordTries {
		last, after, err := a.readWord(ctx)
		if err != nil {
			return 0, err
		}
		if last != nil {
			own := a.beat
			own.Ended = b.Ended
			if last.Started.Equal(a.begun) {
				own.Started = a.begun
			}
			if last.Outdates(&own) {
				return 0, errOutdated
			}
			if last.Generation == own.Generation && last.Attempt == own.Attempt && last.Time.After(b.Time) {
				b.Details, b.Time = last.Details, last.Time
			}
		}
		data, err := history.Encode(&b)
		if err != nil {
			return 0, err
		}
		seq, err = a.w.broker.PutBeat(ctx, a.run(), a.task.Event, data, after)
		if !errors.Is(err, streams.ErrConflict) {
			return seq, err
		}
	}
	return 0, fmt.Errorf("%w: others keep writing it", streams.ErrUnavailable)
}

// readWord reads the activity's heartbeat record, nil when there is none or none that this version understands, and its
// sequence.
func (a *attempt) readWord(ctx context.Context) (b *history.Beat, seq uint64, err error) {
	data, seq, err := a.w.broker.GetBeat(ctx, a.run(), a.task.Event)
	if errors.Is(err, streams.ErrNotFound) {
		return nil, seq, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("heartbeat of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	if b, err = history.DecodeBeat(data); err != nil {
		a.log().Warn("heartbeat record is not readable and is ignored", "error", err)
		return nil, seq, nil
	}
	return b, seq, nil
}

// find reads what the activity's heartbeat record says to the task's attempts. What this one writes follows it.
func (a *attempt) find(ctx context.Context) error {
	b, seq, err := a.readWord(ctx)
	if err != nil {
		return err
	}
	a.found, a.word = inherited(a.task, b), seq
	return nil
}

// isOver says whether a record of a later generation was found: the task was parked, or recalled.
func (a *attempt) isOver() bool { return a.found != nil && a.found.Generation > a.task.Generation }

// newAttempt is a delivery that arrived at the given time. It counts in busy until leave.
func (w *activities) newAttempt(d *streams.Delivery, arrived time.Time) *attempt {
	a := &attempt{w: w, delivery: d, identity: w.identity}
	if b, ok := d.Acker.(*borrowed); ok {
		a.token = b.token
	}
	a.hold = &delivered{a: a, delivery: d, fence: newFence(w.ackWait, arrived)}
	w.busy.Add(1)
	return a
}

// handle deals with one delivery that has a slot: when it returns, the delivery is answered, or left to be delivered
// again.
func (a *attempt) handle(ctx context.Context) {
	defer a.leave()
	defer a.w.slots.give()
	if !a.decode(ctx) {
		return
	}
	a.pulse.start(ctx, a, time.Now())
	a.perform(ctx)
}

// perform runs the function, if the delivery may. It ends the pulse.
func (a *attempt) perform(ctx context.Context) {
	f, err := a.admit(ctx)
	if a.alone != nil {
		defer a.alone.Open()
		defer time.AfterFunc(aloneFor, a.alone.Open).Stop()
	}
	if err == nil && f != nil {
		if f.remote != nil {
			a.relay(ctx, f.remote)
		} else {
			a.execute(ctx, f)
		}
		return
	}
	a.pulse.end()
	if a.isForged(err) {
		a.reject(ctx, err)
	} else if err != nil {
		// The broker does not answer, or something is wrong that another worker may do better: AckWait decides.
		a.log().Error("activity task could not be begun and is left to be delivered again", "error", err)
	}
}

// handleSurplus deals with a delivery for which there is no slot, because eager attempts have taken them since it was
// asked for. They are short, so it waits; but not for ever, for others may have slots.
func (a *attempt) handleSurplus(ctx context.Context) {
	defer a.leave()
	if !a.decode(ctx) {
		return
	}
	a.pulse.start(ctx, a, time.Now())
	if !a.w.slots.wait(a.w.stopping, a.w.ackWait) {
		a.returnUnbegun(ctx)
		return
	}
	defer a.w.slots.give()
	a.perform(ctx)
}

// handleLate deals with a delivery that arrived while the worker was stopping.
func (a *attempt) handleLate(ctx context.Context) {
	defer a.leave()
	if a.decode(ctx) {
		a.pulse.start(ctx, a, time.Now())
		a.returnUnbegun(ctx)
	}
}

// returnUnbegun hands back what was not begun, and ends the pulse. Without a word it would count as lost.
func (a *attempt) returnUnbegun(ctx context.Context) {
	defer a.pulse.end()
	if err := a.find(ctx); err != nil {
		a.log().Warn("activity task could not be handed back and is left to be delivered again", "error", err)
		return
	}
	if a.isOver() {
		a.park(ctx, a.found.Attempt+1)
		return
	}
	if a.found != nil && a.found.Pending {
		if err := a.resumePending(ctx); err != nil {
			a.log().Warn("pending activity could not be looked at and is left to be delivered again", "error", err)
		}
		return
	}
	a.number, a.lost = attemptOf(a.task, a.delivery.Deliveries, a.found)
	a.begin(time.Now())
	a.handBack(ctx, 0)
}

// newerFormatDelay is how long a task of a newer format rests before another process is asked for the first time,
// maxFormatDelay how long it rests at most.
const (
	newerFormatDelay = 2 * time.Second
	maxFormatDelay   = 10 * time.Second
)

// checkTask says what is wrong with a task that can be decoded. It could be begun again and again, and never reported on.
func checkTask(task *history.Task, d *streams.Delivery) error {
	if task.Run.Run != d.Run.Run || task.Event != d.Activity {
		return fmt.Errorf("task is of activity %d of run %s", task.Event, task.Run.Run)
	}
	if task.FirstAttempt < 1 {
		return fmt.Errorf("task's first attempt is %d: must be at least 1", task.FirstAttempt)
	}
	if err := streams.CheckTaskQueue(task.Run.Queue); err != nil {
		return fmt.Errorf("task's run: %w", err)
	}
	return nil
}

// decode reads the task. What cannot be read becomes a dead letter; what a newer version wrote is handed back for a
// process that knows it.
func (a *attempt) decode(ctx context.Context) bool {
	w, d := a.w, a.delivery
	task, err := history.DecodeTask(d.Data)
	if err == nil {
		err = checkTask(task, d)
	}
	if err == nil {
		a.task = task
		return true
	}
	logger := log.With(w.logger, "workflowID", d.Run.WorkflowID, "runID", d.Run.RunID, "activity", d.Activity)
	if errors.Is(err, history.ErrNewerFormat) {
		logger.Info("activity task is left to a newer worker", "error", err)
		// A hand-back without a record uses an attempt. A newer worker knows what is written here, an older one must
		// not guess.
		_ = d.Nak(min(newerFormatDelay<<min(d.Deliveries-1, 10), maxFormatDelay))
		return false
	}
	a.reject(ctx, err)
	return false
}

// reject puts a task away that can never be used. It takes no slot meanwhile.
func (a *attempt) reject(ctx context.Context, reason error) {
	a.w.rejects.Add(ctx, a.delivery.Reject(reason.Error()))
}
