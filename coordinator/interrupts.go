package coordinator

import (
	"slices"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
)

// interrupts are the runs whose local activities are given up when somebody asks to cancel or terminate the run: what came
// before is then decided together with that, and what was run is run again if it is still wanted.
type interrupts struct {
	mu sync.Mutex // guards of
	of map[history.Run]chan struct{}
}

// add returns the channel that is closed by an interruption of the run.
func (i *interrupts) add(run history.Run) <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.of == nil {
		i.of = map[history.Run]chan struct{}{}
	}
	c := make(chan struct{})
	i.of[run] = c
	return c
}

func (i *interrupts) remove(run history.Run) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.of, run)
}

// tell interrupts the run of an item that asks for its end.
func (i *interrupts) tell(it *item) {
	if !it.asksForEnd() {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if c, runs := i.of[it.run]; runs {
		close(c)
		delete(i.of, it.run)
	}
}

// asksForEnd says whether the item is a request to cancel or terminate the run.
func (it *item) asksForEnd() bool {
	return it.message != nil && (it.message.Cancel != nil || it.message.Terminate != nil)
}

// endAsked says whether such a request waits for the run already.
func (c *Coordinator) endAsked(run history.Run) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	box, served := c.boxes[run]
	return served && slices.ContainsFunc(box.waiting, (*item).asksForEnd)
}
