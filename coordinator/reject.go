package coordinator

import "context"

// rejectsPerRoom is how many messages wait at most to become dead letters, for each that the lanes have room for.
const rejectsPerRoom = 10

// reject sees to it that a delivered item becomes a dead letter and is acknowledged then; if that fails it comes again. For
// everybody else the item has ended: an error that its run meets afterwards must not have it handed back.
func (c *Coordinator) reject(ctx context.Context, it *item, reason string) {
	if it.delivery == nil || it.ended {
		return
	}
	it.ended = true
	it.free()
	m := it.delivery.Reject(reason)
	m.Answered = func() { it.keeper.forget(it) }
	c.rejects.Add(ctx, m)
}
