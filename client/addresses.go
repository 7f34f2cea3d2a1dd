package client

import (
	"context"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
)

// maxAddresses bounds how many runs' addresses a client remembers: some 200 bytes each.
const maxAddresses = 10_000

// addresses remembers where the inboxes of runs are, which never changes in the life of a run. The zero value is ready to
// use. It is safe for concurrent use.
type addresses struct {
	mu    sync.Mutex
	known map[history.Run]history.Address
}

func (a *addresses) get(run history.Run) (history.Address, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.known[run]
	return at, ok
}

// put remembers an address, in place of some other one when there are too many.
func (a *addresses) put(at history.Address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil {
		a.known = map[history.Run]history.Address{}
	}
	if len(a.known) >= maxAddresses {
		for other := range a.known {
			delete(a.known, other)
			break
		}
	}
	a.known[at.Run] = at
}

// inbox finds where requests for a run go, which must not be closed without a successor. A run that is named exactly is
// looked for once.
func (c *workflowClient) inbox(ctx context.Context, workflowID, runID string) (history.Address, error) {
	at, known := c.addresses.get(history.Run{WorkflowID: workflowID, RunID: runID})
	if known {
		return at, c.checkOpen(ctx, at.Run)
	}
	start, err := c.locate(ctx, workflowID, runID)
	if err != nil {
		return history.Address{}, err
	}
	c.addresses.put(start.Run)
	return start.Run, nil
}
