package streams

import "testing"

func TestDrainReturnsWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	seen := f.publishTasks(20)
	c, err := f.ns.Consume(f.ctx, LaneTasks, "orders", "", ConsumeOptions{})
	f.ok(err)
	ds, err := c.Pull(f.ctx, 20)
	f.ok(err)
	left := c.Drain()
	for _, d := range append(ds, left...) {
		if seen[d.Run.Run]++; seen[d.Run.Run] != 1 || d.Deliveries != 1 || d.Lane != LaneTasks || d.Activity == 0 {
			t.Errorf("%+v came %d times", d, seen[d.Run.Run])
		}
		f.ok(d.AckSync(f.ctx))
	}
	_, err = c.Pull(f.ctx, 1)
	f.is(err, ErrClosed)
	if again := c.Drain(); len(again) > 0 {
		t.Errorf("drained again: %v", again)
	}
	f.ok(c.Close())

	// The broker has handed out nothing that was not returned: whatever is left comes for the first time.
	rest := f.consume(LaneTasks, "orders", ConsumeOptions{})
	if missing := 20 - len(ds) - len(left); missing > 0 {
		for _, d := range f.pull(rest, missing) {
			if d.Deliveries != 1 {
				t.Errorf("%+v was delivered before and not returned", d)
			}
			f.ok(d.AckSync(f.ctx))
		}
	}
}
