package streams

import (
	"math/rand/v2"
	"testing"
)

// Whatever is added is taken once, in order, in pieces that stay as they are until the next is taken.
func TestArrivals(t *testing.T) {
	t.Parallel()
	var a arrivals
	random := rand.New(rand.NewPCG(1, 2))
	added, taken := 0, 0
	for range 2000 {
		piece := a.take(1 + random.IntN(5))
		for range random.IntN(6) {
			a.add(pulled{part: added})
			added++
		}
		for _, m := range piece {
			if m.part != taken {
				t.Fatalf("message %d was taken as number %d", m.part, taken)
			}
			taken++
		}
		if waiting := len(a.waiting()); waiting != added-taken {
			t.Fatalf("%d wait, want %d", waiting, added-taken)
		}
	}
	for _, m := range a.takeAll() {
		if m.part != taken {
			t.Fatalf("message %d was left as number %d", m.part, taken)
		}
		taken++
	}
	if taken != added || len(a.waiting()) > 0 || len(a.take(1)) > 0 {
		t.Errorf("%d of %d were taken", taken, added)
	}
	if cap(a.messages) > 10_000 {
		t.Errorf("room for %d messages is kept", cap(a.messages))
	}
}
