package coordinator

import (
	"context"
	"sync"
	"time"
)

// keeper keeps everything that this process holds alive at the broker, begun or not, and knows what it may have lost
// to another process because its own clock stood still.
type keeper struct {
	ackWait time.Duration
	// mu guards held. The value is when the broker was last told that we have the item; the zero time marks an item
	// that was silent for longer than half of AckWait, which never becomes certain again.
	mu   sync.Mutex
	held map[*item]time.Time
	// looks ticks while something is held.
	looks *idleTicker
}

func newKeeper(ackWait time.Duration) *keeper {
	return &keeper{ackWait: ackWait, held: map[*item]time.Time{}, looks: newIdleTicker(ackWait / 6)}
}

func (k *keeper) hold(it *item) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held[it] = time.Now()
	k.looks.needed()
}

func (k *keeper) forget(it *item) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, it)
}

// certain says whether it was never silent for more than half of AckWait: nobody else can have been given it.
func (k *keeper) certain(it *item) bool {
	if it.delivery == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	last, ok := k.held[it]
	return ok && !last.IsZero() && time.Since(last) <= k.ackWait/2
}

// run sends in-progress acknowledgements until ctx ends.
func (k *keeper) run(ctx context.Context) {
	for range k.looks.ticks(ctx, k.idle) {
		for _, it := range k.due() {
			// Unconfirmed on purpose: a lost one is followed by the next.
			_ = it.delivery.KeepAlive()
		}
	}
}

func (k *keeper) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.held) == 0
}

// due are the items whose turn has come, noted as told now.
func (k *keeper) due() []*item {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	var due []*item
	for it, last := range k.held {
		switch {
		case last.IsZero():
		case now.Sub(last) > k.ackWait/2:
			k.held[it] = time.Time{}
		case now.Sub(last) < k.ackWait/3:
			continue
		default:
			k.held[it] = now
		}
		due = append(due, it)
	}
	return due
}
