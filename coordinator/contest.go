package coordinator

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/streams"
)

// Several processes may be given messages of one run at the same time. Who loses the race for a transition looks at the
// history again and keeps what he was given: the winner may have consumed it, which is then found out here, without another
// delivery, or it is as fresh as it was. A delivery that was handed back tells nobody any more whether others hold it too,
// so that an update has to be renewed and code is run as if it had ended a process.

const (
	// patience is how long an item is kept that meets a history which has moved on, or waits for what others hold. Then it is
	// left to whoever is given it next.
	patience = 500 * time.Millisecond
	// minPause and maxPause are how long, at most, the loser leaves the run to the winner: each time twice as long.
	minPause = 2 * time.Millisecond
	maxPause = 16 * time.Millisecond
	// contest is for how long after others have gone on with a run they are expected to do so again.
	contest = time.Second
	// flooded is how many signals and requests are many, for a run that is not paced, leading for how long whoever has gone on
	// with a run is left to do so again.
	flooded = 16
	leading = 250 * time.Millisecond
)

// contested says whether others may well have gone on with the run since this process has looked. To look again costs less
// than to lose the race, and with it the live run.
func (c *Coordinator) contested(e *entry, items []*item) bool {
	return !e.overtaken.IsZero() && c.cfg.Now().Sub(e.overtaken) < contest || slices.ContainsFunc(items, func(it *item) bool { return it.tries > 0 })
}

// yield leaves to others, who have just gone on with the run, what they will consume themselves: many signals and requests,
// which whoever decides finds in the run's inbox. A race for these would be run again and again, and each time it is lost
// the whole history is read anew. It ends when the others go on no more.
func (c *Coordinator) yield(e *entry, items []*item) (rest, left []*item) {
	open := func(it *item) bool {
		return it.isRequest() && it.delivery != nil && !it.isTerminate() && !e.state().Seen(it.identity())
	}
	many := 0
	for _, it := range items {
		if open(it) {
			if many++; it.isUpdate() {
				return items, nil
			}
		}
	}
	now := c.cfg.Now()
	if many < flooded && e.pace.pause(now) <= 0 || e.state().Closed() || now.Sub(e.overtaken) > leading {
		return items, nil
	}
	for _, it := range items {
		if open(it) {
			it.tries, left = 0, append(left, it)
		} else {
			rest = append(rest, it)
		}
	}
	return rest, left
}

// again puts what was given to this process back into the mailbox of its run, whose goroutine calls it, after an error that
// a fresh look at the history may overcome. The rest is for the caller to give up.
func (c *Coordinator) again(ctx context.Context, items []*item, err error) (rest []*item) {
	if !errors.Is(err, streams.ErrConflict) && !errors.Is(err, errStale) {
		return items
	}
	return c.retry(ctx, items)
}

// await does so with what must not overtake an update that somebody else holds, unless it takes the last room of its lane:
// that may be the room which the update waits for. Then it rests longer each time: what is handed back comes before what was
// never delivered, and two that take turns would keep the update from its room for ever.
func (c *Coordinator) await(ctx context.Context, items []*item) {
	if len(items) == 0 {
		return
	}
	full := func(it *item) bool { return it.room != nil && it.room.full() }
	if !slices.ContainsFunc(items, full) {
		items = c.retry(ctx, items)
	}
	for _, it := range items {
		it.handBack(growing([]*item{it}, conflictDelay(), maxTroubleDelay))
	}
}

// retry puts items back into their mailbox and lets some time pass.
func (c *Coordinator) retry(ctx context.Context, items []*item) (rest []*item) {
	tries, rest := c.requeue(items)
	if tries == 0 {
		return rest
	}
	pause := time.NewTimer(c.cfg.Jitter(min(minPause<<(tries-1), maxPause)))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	return rest
}

// requeue returns the fewest tries that one of the items it has put back has had, 0 when there is none, and the rest.
func (c *Coordinator) requeue(items []*item) (tries int, rest []*item) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, it := range items {
		if it.tries == 0 {
			it.contested = now
		}
		// What covers running activities waits for these, and has been dealt with.
		given := it.call != nil || it.delivery != nil && !it.ended && it.eager == 0 && !c.stopping
		if !given || now.Sub(it.contested) > patience {
			rest = append(rest, it)
			continue
		}
		if it.tries++; tries == 0 || it.tries < tries {
			tries = it.tries
		}
		c.boxes[it.run].waiting = append(c.boxes[it.run].waiting, it)
	}
	return min(tries, 8), rest
}
