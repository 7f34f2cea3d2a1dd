package coordinator

import "github.com/millrace-dev/millrace/internal/history"

// notify tells whoever waits for the run that the record which was just stored closed it. The effects do not wait for
// it, and nothing depends on it: who does not hear of it reads.
func (c *Coordinator) notify(e *entry, events []history.Event, record []byte) {
	if e.start.Waiter == "" || !isClosing(events) {
		return
	}
	if err := c.broker.NotifyClosed(e.run(), e.start.Waiter, record); err != nil {
		c.cfg.Logger.Debug("whoever waits for the run was not told of its close", "run", e.run().String(), "error", err)
	}
}
