package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// serve deals with everything that waits for one run: it ends every delivered item by an acknowledgement or a
// hand-back, and answers every query. It returns an eager activity for the caller to run, if there is one.
func (c *Coordinator) serve(ctx context.Context, run history.Run, box *mailbox, items []*item) *eagerCall {
	items, queries := splitQueries(items)
	defer func() {
		for _, q := range queries {
			c.answerQuery(ctx, run, q.query)
		}
	}()
	if len(items) == 0 {
		return nil
	}
	e, err := c.begin(ctx, run, items)
	if errors.Is(err, errOvertaken) {
		return nil
	}
	if err != nil {
		c.unopened(ctx, run, items, err)
		return nil
	}
	c.keepPace(e, box, items)
	e.troubled = e.troubled || (mostDeliveries(items) > 1 || e.suspicion != nil) && !errors.Is(e.codeErr, errQuarantined)
	err = c.advance(ctx, e, items)
	if err == nil {
		err = c.clearTrouble(ctx, e)
	}
	call, later, yielded := e.left, e.later, e.yielded
	e.left, e.later, e.yielded = nil, nil, nil
	if err != nil {
		c.drop(e)
		if errors.Is(err, streams.ErrConflict) {
			box.overtaken = c.cfg.Now()
		}
		if items = c.again(ctx, items, err); len(items) > 0 {
			c.unserved(ctx, e, items, err)
		}
		return call
	}
	defer c.await(ctx, yielded)
	c.resume(ctx, later)
	e.suspicion = nil
	if e.codeErr != nil && !e.state().Closed() {
		c.drop(e) // next time there may be code that can go on
		return call
	}
	c.keep(e)
	return call
}

// keep puts a run that messages were for into the cache. Of a closed one at most its state is kept.
func (c *Coordinator) keep(e *entry) {
	e.asked = nil
	if !e.state().Closed() {
		c.keepLive(e)
		return
	}
	e.conclude()
	c.alarms.cancel(e.run())
	if e.expects(c.cfg.Now()) {
		c.closed.put(e.run(), e)
	}
}

// keepLive puts a run into the cache with its code. Those that leave it leave their alarms behind.
func (c *Coordinator) keepLive(e *entry) {
	for _, old := range c.cache.put(e.run(), e) {
		c.archive.put(old)
		old.destroy()
	}
}

func splitQueries(items []*item) (rest, queries []*item) {
	if !slices.ContainsFunc(items, func(it *item) bool { return it.query != nil }) {
		return items, nil
	}
	for _, it := range items {
		if it.query != nil {
			queries = append(queries, it)
		} else {
			rest = append(rest, it)
		}
	}
	return rest, queries
}

// begin opens the run for items; without its code when they are quarantined.
func (c *Coordinator) begin(ctx context.Context, run history.Run, items []*item) (*entry, error) {
	e, err := c.cached(ctx, run)
	if err != nil {
		return nil, err
	}
	found, isNew := c.newStart(items)
	if e == nil && !isNew {
		if found, err = c.findStart(ctx, run); err != nil {
			return nil, noRun(run, err)
		}
	}
	// Known before the code runs again: what has killed processes may kill this one.
	suspicion, quarantined := c.suspect(ctx, run, items, e == nil && !isNew)
	if quarantined {
		if e != nil {
			c.drop(e)
			found = knownStart{e.found, e.epoch}
		}
		return c.loadState(ctx, found)
	}
	switch {
	case e != nil:
		e.suspicion = suspicion
		return e, nil
	case isNew: // whatever else is delivered with it: the start's code has not run before
		if e, err = c.newEntry(found); err == nil {
			e.asked = asked(e.start, items)
			c.place(e, e.start.Run.Build)
		}
	default:
		if e, err = c.loadForMessages(ctx, found, suspicion, items); err == nil {
			err = c.answered(e, items)
		}
	}
	if err == nil && elsewhere(e, items) {
		return nil, errElsewhere
	}
	return e, err
}

// newStart is the start among items, if it is so new that nobody can have decided anything on it yet, with the epoch in
// which it came. Should somebody have, the append is refused like any other that is behind.
func (c *Coordinator) newStart(items []*item) (knownStart, bool) {
	for _, it := range items {
		if it.isStart() && it.deliveries() == 1 && it.tries == 0 && c.cfg.Now().Sub(it.delivery.Published) < c.cfg.AckWait {
			d := it.delivery
			return knownStart{&streams.StoredStart{Run: d.Run, Seq: d.Seq, Checked: d.Checked, Expected: d.Expected, Data: d.Data,
				Time: d.Published}, d.Epoch}, true
		}
	}
	return knownStart{}, false
}

// open takes the run from the cache or loads it.
func (c *Coordinator) open(ctx context.Context, run history.Run) (*entry, error) {
	if e, err := c.cached(ctx, run); err != nil || e != nil && !(e.machine == nil && e.codeErr == nil) {
		return e, err
	}
	found, err := c.findStart(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("load run %s: %w", run, err)
	}
	return c.load(ctx, found, nil)
}

// cached takes the run from the cache, nil when it is not there. One from before the connection was lost is compared
// with the history first: a server that lost the end of it may have given the same sequences to other records.
func (c *Coordinator) cached(ctx context.Context, run history.Run) (*entry, error) {
	e := c.cache.take(run)
	if e == nil {
		e = c.closed.take(run)
	}
	if e != nil && c.misplaced(e) {
		c.drop(e)
		return nil, nil
	}
	epoch := c.broker.Epoch()
	if e == nil || e.epoch == epoch {
		return e, nil
	}
	_, err := c.refresh(ctx, e)
	if err == nil {
		err = c.confirmStart(ctx, e)
	}
	if errors.Is(err, errStale) {
		c.drop(e)
		return nil, nil
	} else if err != nil {
		c.drop(e)
		return nil, err
	}
	e.epoch, e.sent, e.lane = epoch, "", lane{}
	return e, nil
}

// errNoRun means that the run's start was looked for and not found. That a part of its history is not found means
// something else.
var errNoRun = errors.New("there is no such run")

func noRun(run history.Run, err error) error {
	if errors.Is(err, streams.ErrNotFound) {
		return fmt.Errorf("load run %s: %w: %w", run, errNoRun, err)
	}
	return fmt.Errorf("load run %s: %w", run, err)
}

// advance brings the run forward by what the items ask for. After an error the entry must be dropped; items that are
// not ended then are the caller's to end.
func (c *Coordinator) advance(ctx context.Context, e *entry, items []*item) error {
	if err := c.admit(ctx, e, items); err != nil {
		return err
	}
	if c.contested(e, items) {
		if _, err := c.refresh(ctx, e); err != nil {
			return err
		}
		if items, e.yielded = c.yield(e, items); len(items) == 0 {
			return nil
		}
	}
	items, err := c.withLane(ctx, e, items)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(items, (*item).isWakeUp) {
		// Whatever was armed may have been destroyed by this firing: it is armed anew before the wake-up is settled.
		e.armed = time.Time{}
	}
	for fresh := false; ; {
		p, err := c.plan(ctx, e, items)
		if err != nil {
			return err
		}
		if p.inheritsOnly(e) {
			// Nothing of the run's own would cover it: it waits until it is passed on.
			items = slices.DeleteFunc(items, func(it *item) bool { return it.inherited })
			continue
		}
		if !fresh && p.needsTruth(e) {
			fresh = true
			changed, err := c.refresh(ctx, e)
			if err != nil {
				return err
			}
			if changed {
				continue
			}
		}
		if !p.decides(e) {
			if len(p.postponed) > 0 && e.machine == nil {
				return e.codeErr
			}
			// Nothing was consumed: what waits behind it would meet the same again.
			e.yielded, e.later = slices.Concat(e.yielded, e.later, p.postponed), nil
			return c.settle(ctx, e, p)
		}
		if e.machine == nil && !p.draft.Closed() && !c.failDiverged(e, p) {
			return e.codeErr
		}
		return c.decide(ctx, e, p)
	}
}

// withLane adds the signals and requests that wait for the run in the order in which they were sent: the order of
// deliveries is not the order of sending. Those that the history holds are in no order any more, nor those that reach a
// run after its end and are passed on to nobody: what waits beside them comes by a delivery of its own.
func (c *Coordinator) withLane(ctx context.Context, e *entry, items []*item) ([]*item, error) {
	if s := e.state(); s.Closed() && s.Successor() == nil && !slices.ContainsFunc(items, (*item).isUpdate) {
		return items, nil
	}
	if !slices.ContainsFunc(items, func(it *item) bool { return it.isRequest() && !e.state().Seen(it.identity()) }) {
		return items, nil
	}
	return c.withWaiting(ctx, e, items, history.SourceSignals)
}

// inboxBatch bounds how many waiting messages one transition takes from an inbox lane beyond those delivered.
const inboxBatch = 1000

// withWaiting adds what waits in the inbox and is not among items, and sorts all by sequence.
func (c *Coordinator) withWaiting(ctx context.Context, e *entry, items []*item, source history.Source) ([]*item, error) {
	waiting, last, err := c.readWaiting(ctx, e, items, source)
	if err != nil {
		return nil, fmt.Errorf("read inbox of run %s: %w", e.run(), err)
	}
	inherited, err := c.inherited(ctx, e, waiting)
	if err != nil {
		return nil, err
	}
	have := map[uint64]bool{}
	for _, it := range items {
		have[it.seq] = true
	}
	all := slices.Clone(items)
	if last > 0 {
		all = e.leaveBehind(all, last)
	}
	for _, w := range waiting {
		if have[w.Seq] {
			continue
		}
		// What cannot be decoded is dealt with where it is delivered.
		if m, err := history.DecodeMessage(w.Data); err == nil && m.Source() == w.Source {
			all = append(all, &item{run: e.run(), message: m, seq: w.Seq})
		}
	}
	for _, it := range inherited {
		if !have[it.seq] {
			all = append(all, it)
		}
	}
	missUpdates(items, waiting)
	slices.SortStableFunc(all, func(a, b *item) int { return cmp.Compare(a.place(), b.place()) })
	return all, nil
}

// leaveBehind leaves the signals and requests after seq to the next transition: there are others before them that were not
// read.
func (e *entry) leaveBehind(items []*item, seq uint64) []*item {
	return slices.DeleteFunc(items, func(it *item) bool {
		later := it.isRequest() && it.seq > seq
		if later && it.delivery != nil {
			e.later = append(e.later, it)
		}
		return later
	})
}

// plan is what a set of items means to a run at one moment.
type plan struct {
	draft *history.Draft
	items []*item
	// wakes say that it is time to look at the clock.
	wakes []*item
	// due is set when the draft has events because of the time.
	due      bool
	taken    []*item
	settled  []*item
	ahead    []*item
	leftover []*item
	junk     []*item
	// outrun are outcomes of eager activities that somebody has queued since.
	outrun []*item
	// waiting cover eager activities that run in this process.
	waiting []*item
	// postponed are updates that must be judged after the transition, and what must not overtake them: behind is set while
	// there is such. The rejected were judged.
	postponed []*item
	behind    bool
	// shared are updates that others may hold as well.
	shared   []*item
	rejected []rejected
	// covering is an item that covers what the transition puts into a queue in place of a lost eager attempt.
	covering *item
	// first is the room for taken: most transitions consume one item.
	first [1]*item
}

// plan drafts a transition from items.
func (c *Coordinator) plan(ctx context.Context, e *entry, items []*item) (*plan, error) {
	p := &plan{draft: e.state().Draft(c.cfg.Now()), items: items}
	p.draft.SetHistorySize(e.size())
	c.lookForTarget(e, p.draft)
	for _, it := range items {
		switch {
		case it.isStart():
			p.settled = append(p.settled, it)
		case it.call != nil:
			c.planCall(e, p, it)
		case it.isWakeUp(), it.isAlarm():
			p.wakes = append(p.wakes, it)
		case p.isBehind(it):
			p.postponed = append(p.postponed, it)
		case it.isUpdate():
			if err := c.planUpdate(ctx, e, p, it); err != nil {
				return nil, err
			}
		default:
			p.place(it, p.draft.Add(it.message))
		}
	}
	p.settled = slices.DeleteFunc(p.settled, func(it *item) bool {
		waits := c.takeOver(e, p, it)
		if waits {
			p.waiting = append(p.waiting, it)
		}
		return waits
	})
	if len(p.wakes) == 0 {
		return p, nil
	}
	facts, err := c.facts(ctx, e, p.draft.DueActivities())
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.wakes, func(it *item) bool { return it.delivery != nil }) {
		leaveStarts(facts)
	}
	if p.due = p.draft.AddDue(facts); p.due {
		for _, it := range p.wakes {
			if it.isWakeUp() {
				p.draft.Consume(it.identity())
			}
		}
	}
	return p, nil
}

// leaveStarts leaves ScheduleToStart time-outs to a wake-up that somebody holds. Whether an activity has started is no
// fact of the history: another process that has found out otherwise acknowledges the wake-up, and what an alarm alone
// had led to would have no cover.
func leaveStarts(facts map[int64]history.ActivityFacts) {
	for id, f := range facts {
		f.Started = true
		facts[id] = f
	}
}

// place notes what an item means to the draft.
func (p *plan) place(it *item, v history.Verdict) {
	switch v {
	case history.Taken:
		if p.taken == nil {
			p.taken = p.first[:0]
		}
		p.taken = append(p.taken, it)
	case history.Settled:
		p.settled = append(p.settled, it)
	case history.Ahead:
		p.ahead = append(p.ahead, it)
	case history.Leftover:
		p.leftover = append(p.leftover, it)
	default:
		p.junk = append(p.junk, it)
	}
}

// inheritsOnly says whether the transition would consume nothing but what waits in the predecessor's inbox.
func (p *plan) inheritsOnly(e *entry) bool {
	own := func(it *item) bool { return !it.inherited }
	return e.state().Transitions > 0 && !p.due && len(p.taken) > 0 && !slices.ContainsFunc(p.taken, own)
}

// decides says whether the plan leads to a transition.
func (p *plan) decides(e *entry) bool {
	s := e.state()
	return !s.Closed() && (s.Transitions == 0 || len(p.draft.Events()) > 0)
}

// needsTruth says whether the plan answers without appending, so that the prefix must first be compared with the
// stream leader: something is beyond it, a wake-up found nothing due, or effects may have to be sent again.
func (p *plan) needsTruth(e *entry) bool {
	if len(p.ahead) > 0 {
		return true
	}
	if p.decides(e) || e.state().Closed() { // nothing follows a closing event
		return false
	}
	if len(p.wakes) > 0 || len(p.rejected) > 0 {
		return true
	}
	return slices.ContainsFunc(p.settled, func(it *item) bool { return e.owes(it.covers()) })
}

// owes says whether the message with this identity covers effects that this process has not sent.
func (e *entry) owes(identity string) bool {
	return e.sent != identity && len(e.state().Effects(identity)) > 0
}

// facts reads what HEARTBEATS knows of activities whose schedule time-outs are due.
func (c *Coordinator) facts(ctx context.Context, e *entry, due []int64) (map[int64]history.ActivityFacts, error) {
	facts := make(map[int64]history.ActivityFacts, len(due))
	for _, id := range due {
		started, err := c.broker.Started(ctx, e.run(), id)
		if err != nil {
			return nil, fmt.Errorf("activity %d of run %s: %w", id, e.run(), err)
		}
		f := history.ActivityFacts{Started: started}
		beat, err := c.beat(ctx, e.run(), id)
		if err != nil {
			return nil, err
		}
		if beat != nil {
			f.Started = f.Started || beat.Attempt > 0
			f.Attempt, f.LastFailure, f.Details = beat.Attempt, beat.Failure, beat.Details
		}
		facts[id] = f
	}
	return facts, nil
}

// beat reads an activity's heartbeat record, nil when there is none or none that this version understands.
func (c *Coordinator) beat(ctx context.Context, run history.Run, activity int64) (*history.Beat, error) {
	data, _, err := c.broker.GetBeat(ctx, run, activity)
	if errors.Is(err, streams.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("heartbeat of activity %d of run %s: %w", activity, run, err)
	}
	b, err := history.DecodeBeat(data)
	if err != nil {
		// Heartbeats are a help, not the truth: an unreadable one is as good as none.
		return nil, nil
	}
	return b, nil
}

// settle answers everything without appending. The prefix has been compared with the leader where that matters.
func (c *Coordinator) settle(ctx context.Context, e *entry, p *plan) error {
	if err := c.sendOwed(ctx, e, p); err != nil {
		return err
	}
	if len(p.wakes) > 0 {
		if err := c.rearm(ctx, e, p.draft.Time()); err != nil {
			return err
		}
	} else if len(p.settled) > 0 {
		// Whoever consumed them may have died before it looked.
		if err := c.keepArmed(ctx, e, "", e.state().Armed); err != nil {
			return err
		}
	}
	for it := range each(p.settled, p.wakes) {
		c.answerAgain(e, it)
		it.ack(ctx)
	}
	return c.settleRest(ctx, e, p)
}

// sendOwed sends what the settled items and wake-ups of the plan cover, and what those messages cover that are about to be
// acknowledged because others have queued their eager activities: these others may have died before they sent the tasks.
func (c *Coordinator) sendOwed(ctx context.Context, e *entry, p *plan) error {
	for it := range each(p.settled, p.wakes, p.outrun) {
		if it.isAlarm() || !e.owes(it.covers()) {
			continue
		}
		if err := c.sendEffects(ctx, e, it.covers(), true); err != nil {
			return err
		}
	}
	return nil
}

// settleRest deals with what neither the prefix nor the new record settles.
func (c *Coordinator) settleRest(ctx context.Context, e *entry, p *plan) error {
	c.answerRejected(ctx, e, p)
	if err := c.renew(ctx, e, p); err != nil {
		return err
	}
	for it := range each(p.ahead, p.waiting) {
		it.handBack(growing([]*item{it}, aheadDelay, maxTroubleDelay))
	}
	for _, it := range p.outrun {
		if err := c.report(ctx, e, it); err != nil {
			return err
		}
	}
	for _, it := range p.junk {
		c.reject(ctx, it, "message carries nothing that this version knows")
	}
	for _, it := range p.leftover {
		if err := c.passOn(ctx, e, it); err != nil {
			return err
		}
	}
	return nil
}

// aheadDelay is how long a message about an event that the leader does not have yet is left to rest at first.
const aheadDelay = 200 * time.Millisecond

// conflictDelay is how long the loser of a race leaves a run to the winner, so that the winner collects the messages.
func conflictDelay() time.Duration {
	return 50*time.Millisecond + rand.N(150*time.Millisecond)
}
