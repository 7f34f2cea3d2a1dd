package coordinator

import (
	"container/list"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
)

// cache keeps the most recently used runs live, up to a fixed number. A run is taken out of it to be worked on and put
// back afterwards, so that an entry always has one user.
type cache struct {
	size int
	// mu guards order, most recently used first, and entries.
	mu      sync.Mutex
	order   *list.List
	entries map[history.Run]*list.Element
}

func newCache(size int) *cache {
	return &cache{size: size, order: list.New(), entries: map[history.Run]*list.Element{}}
}

// take removes and returns a run, nil when it is not there.
func (c *cache) take(run history.Run) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[run]
	if !ok {
		return nil
	}
	delete(c.entries, run)
	return c.order.Remove(el).(*entry)
}

// put adds a run and returns the least recently used ones beyond the size, which the caller has to destroy.
func (c *cache) put(run history.Run, e *entry) (evicted []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[run] = c.order.PushFront(e)
	for c.order.Len() > c.size {
		old := c.order.Remove(c.order.Back()).(*entry)
		delete(c.entries, old.start.Run.Run)
		evicted = append(evicted, old)
	}
	return evicted
}

// holds says whether the run is live and idle.
func (c *cache) holds(run history.Run) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.entries[run]
	return ok
}

// clear destroys everything.
func (c *cache) clear() {
	c.mu.Lock()
	order := c.order
	c.order, c.entries = list.New(), map[history.Run]*list.Element{}
	c.mu.Unlock()
	for el := order.Front(); el != nil; el = el.Next() {
		el.Value.(*entry).destroy()
	}
}
