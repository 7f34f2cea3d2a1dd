package history

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// crowd is a run with many pending items, some of which end with every transition.
type crowd struct {
	state *State
	now   time.Time
}

func newCrowd() *crowd {
	start := &Start{Version: 1, Run: Address{Run: Run{WorkflowID: "w", RunID: "r"}, Queue: "q"}, Type: "T", Time: t0}
	return &crowd{state: NewState(start), now: t0}
}

// transit applies a transition of the given events.
func (c *crowd) transit(cover string, attrs ...Attributes) error {
	t := &Transition{Version: 1, RunID: "r", Number: c.state.Transitions + 1, CommitID: "c", Cover: cover, Time: c.now}
	for i, a := range attrs {
		t.Events = append(t.Events, NewEvent(c.state.LastEvent+int64(i)+1, a))
	}
	return c.state.Apply(t)
}

// decide draws events of code: mostly new items.
func (c *crowd) decide(t *rapid.T) (attrs []Attributes) {
	timeout := func(label string) Millis { return Millis(rapid.IntRange(-5, 20).Draw(t, label) * 1000) }
	for range rapid.IntRange(0, 12).Draw(t, "items") {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			attrs = append(attrs, child(0))
		case 1:
			attrs = append(attrs, externalSignal())
		case 2:
			attrs = append(attrs, &TimerStarted{Due: c.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "due")) * time.Second)})
		default:
			attrs = append(attrs, &ActivityTaskScheduled{ActivityID: "a", Type: "A", Queue: "q", Eager: rapid.Bool().Draw(t, "eager"),
				ScheduleToClose: max(0, timeout("to close")), ScheduleToStart: max(0, timeout("to start"))})
		}
	}
	return attrs
}

// end draws outcomes and changes of what is pending.
func (c *crowd) end(t *rapid.T) (attrs []Attributes) {
	share := rapid.IntRange(0, 3).Draw(t, "share")
	chosen := func(label string) bool { return rapid.IntRange(0, 3).Draw(t, label) < share }
	for _, id := range sortedKeys(c.state.Activities) {
		a := c.state.Activities[id]
		switch {
		case chosen("activity ends"):
			attrs = append(attrs, &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: id}})
		case a.Eager && chosen("activity is queued"):
			attrs = append(attrs, &ActivityTaskQueued{Scheduled: id, Attempt: 2})
		case !a.CancelRequested && chosen("activity is canceled"):
			attrs = append(attrs, &ActivityTaskCancelRequested{Scheduled: id})
		}
	}
	for _, id := range sortedKeys(c.state.Timers) {
		if chosen("timer ends") {
			attrs = append(attrs, &TimerFired{Started: id})
		}
	}
	for _, id := range sortedKeys(c.state.Children) {
		if chosen("child ends") {
			attrs = append(attrs, &StartChildWorkflowExecutionFailed{Initiated: id})
		}
	}
	for _, id := range sortedKeys(c.state.Externals) {
		if chosen("external ends") {
			attrs = append(attrs, &ExternalWorkflowExecutionSignaled{Initiated: id})
		}
	}
	return attrs
}

// withoutIndex is a state that goes through everything that is pending, a few items at a time.
func (c *crowd) withoutIndex() []*State {
	var parts []*State
	part := func() *State {
		s := *c.state
		s.index = nil
		s.Activities, s.Timers = map[int64]*PendingActivity{}, map[int64]*PendingTimer{}
		s.Children, s.Externals = map[int64]*PendingChild{}, map[int64]*PendingExternal{}
		s.Armed = time.Time{}
		parts = append(parts, &s)
		return &s
	}
	for _, id := range sortedKeys(c.state.Activities) {
		part().Activities[id] = c.state.Activities[id]
	}
	for _, id := range sortedKeys(c.state.Timers) {
		part().Timers[id] = c.state.Timers[id]
	}
	for _, id := range sortedKeys(c.state.Children) {
		part().Children[id] = c.state.Children[id]
	}
	for _, id := range sortedKeys(c.state.Externals) {
		part().Externals[id] = c.state.Externals[id]
	}
	return parts
}

// TestManyPendingItemsAreFoundLikeFew compares what the index finds with what going through single items finds.
func TestManyPendingItemsAreFoundLikeFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrowd()
		used := []string{StartIdentity}
		for n := range rapid.IntRange(1, 30).Draw(t, "transitions") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "pass")) * time.Millisecond)
			cover := fmt.Sprint("s:", n)
			if rapid.Bool().Draw(t, "by the clock") {
				cover = NewWakeUp(c.now).Identity()
			}
			used = append(used, cover)
			if err := c.transit(cover, append(c.end(t), c.decide(t)...)...); err != nil {
				t.Fatal(err)
			}
			c.compare(t, used)
		}
	})
}

func (c *crowd) compare(t *rapid.T, used []string) {
	parts := c.withoutIndex()
	for _, after := range []time.Duration{0, time.Second, 10 * time.Second} {
		at := c.now.Add(after)
		var next time.Time
		due := map[int64]struct{}{}
		for _, p := range parts {
			if d := p.NextDeadline(at); next.IsZero() || !d.IsZero() && d.Before(next) {
				next = d
			}
			p.due(at, func(id int64) { due[id] = struct{}{} })
		}
		if got := c.state.NextDeadline(at); !got.Equal(next) {
			t.Fatalf("next deadline after %v is %v, want %v", at, got, next)
		}
		got := c.state.Draft(at).dueItems(func(int64) bool { return true })
		if want := slices.Sorted(maps.Keys(due)); !slices.Equal(got, want) {
			t.Fatalf("due at %v are %v, want %v", at, got, want)
		}
	}
	s := *c.state
	s.Armed = time.Time{}
	for _, cover := range used {
		var want []string
		for _, p := range parts {
			want = append(want, briefly(p.Effects(cover))...)
		}
		if got := briefly(s.Effects(cover)); !slices.Equal(got, want) {
			t.Fatalf("effects under %s are %v, want %v", cover, got, want)
		}
	}
}

// TestTheIndexIsAsLargeAsWhatIsPending: what has ended does not stay in it.
func TestTheIndexIsAsLargeAsWhatIsPending(t *testing.T) {
	c := newCrowd()
	for range 100 {
		if err := c.transit("s:1", &ActivityTaskScheduled{ActivityID: "a", ScheduleToClose: 1e6}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		last := c.state.LastEvent
		err := c.transit("s:2", &ActivityTaskScheduled{ActivityID: "a", ScheduleToClose: 1e6},
			&ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: last + 1}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := c.state.indexed().size; n > 4*100 {
		t.Errorf("the index has %d entries for 100 pending activities", n)
	}
}

// BenchmarkEvent is what one activity costs, from its result to the effects of the next, beside others that are pending.
func BenchmarkEvent(b *testing.B) {
	for _, pending := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprint("pending=", pending), func(b *testing.B) {
			c := newCrowd()
			var attrs []Attributes
			for range pending {
				attrs = append(attrs, &ActivityTaskScheduled{ActivityID: "a", Type: "A", Queue: "q", ScheduleToClose: 1e6})
			}
			if err := c.transit(StartIdentity, attrs...); err != nil {
				b.Fatal(err)
			}
			next := int64(2)
			for b.Loop() {
				d := c.state.Draft(c.now)
				m := &Message{ID: "1", Activity: &ActivityResult{Scheduled: next}}
				if d.Add(m) != Taken {
					b.Fatal("result was not taken")
				}
				events := append(d.Events(), NewEvent(d.NextEvent(), attrs[0]))
				t := &Transition{Version: 1, RunID: "r", Number: c.state.Transitions + 1, Cover: m.Identity(), Time: d.Time(), Events: events}
				if err := c.state.Apply(t); err != nil {
					b.Fatal(err)
				}
				if len(c.state.Effects(t.Cover)) == 0 {
					b.Fatal("no effects")
				}
				if next++; c.state.Activities[next] == nil {
					next++
				}
			}
		})
	}
}
