package history

import (
	"container/heap"
	"slices"
	"time"
)

// few is how many pending items are gone through one by one. Above it they are found by an index, so that an event
// costs the same however many others are pending.
const few = 16

// pending is the number of items without an outcome.
func (s *State) pending() int {
	return len(s.Activities) + len(s.Timers) + len(s.Children) + len(s.Externals)
}

// index finds pending items by what covers them and by when they are due. It is made from the maps of a State and only
// added to: what it names may have an outcome by now, or another cover, so whoever asks it looks at the item itself.
type index struct {
	covers map[string][]int64
	// firm are the deadlines of timers and ScheduleToClose time-outs, starts those of ScheduleToStart time-outs.
	firm, starts deadlines
	// size is the number of entries.
	size int
}

// indexed is the state's index, nil when there are so few pending items that it has none. It is made anew when most of
// what it names is gone.
func (s *State) indexed() *index {
	n := s.pending()
	if n <= few {
		s.index = nil
		return nil
	}
	if s.index == nil || s.index.size > 4*n {
		s.index = &index{covers: map[string][]int64{}}
		for id, a := range s.Activities {
			s.index.activity(id, a)
		}
		for id, t := range s.Timers {
			s.index.timer(id, t)
		}
		for id, c := range s.Children {
			s.index.cover(c.Cover, id)
		}
		for id, x := range s.Externals {
			s.index.cover(x.Cover, id)
		}
	}
	return s.index
}

func (x *index) activity(id int64, a *PendingActivity) {
	if x == nil {
		return
	}
	x.cover(a.Cover, id)
	if a.CancelRequested {
		x.cover(a.CancelCover, id)
	}
	if a.Control != nil {
		x.cover(a.Control.Cover, id)
	}
	x.due(&x.firm, a.CloseDeadline(), id)
	x.due(&x.starts, a.StartDeadline(), id)
}

func (x *index) timer(id int64, t *PendingTimer) {
	if x != nil {
		x.due(&x.firm, t.Due, id)
	}
}

func (x *index) cover(cover string, id int64) {
	if x != nil {
		x.covers[cover] = append(x.covers[cover], id)
		x.size++
	}
}

func (x *index) due(d *deadlines, at time.Time, id int64) {
	if !at.IsZero() {
		heap.Push(d, itemDeadline{at: at, id: id})
		x.size++
	}
}

// appendCovered appends to ids, which is empty, the numbers of all items that the message with this identity may cover, in
// order.
func (s *State) appendCovered(ids []int64, message string) []int64 {
	if x := s.indexed(); x == nil {
		ids = appendKeys(ids, s.Activities)
		ids = appendKeys(ids, s.Children)
		ids = appendKeys(ids, s.Externals)
	} else if _, ok := wakeUpMillis(message); !ok {
		ids = append(ids, x.covers[message]...)
	} else {
		for cover, covered := range x.covers {
			if covers(message, cover) {
				ids = append(ids, covered...)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func appendKeys[V any](ids []int64, m map[int64]V) []int64 {
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}

// due calls f with the number of every timer and activity of which a deadline has passed at the given time; with some
// twice.
func (s *State) due(now time.Time, f func(id int64)) {
	x := s.indexed()
	if x == nil {
		for id, t := range s.Timers {
			if passed(t.Due, now) {
				f(id)
			}
		}
		for id, a := range s.Activities {
			if passed(a.CloseDeadline(), now) || passed(a.StartDeadline(), now) {
				f(id)
			}
		}
		return
	}
	for i, d := range []deadlines{x.firm, x.starts} {
		d.walk(0, func(item itemDeadline) bool {
			if item.at.After(now) {
				return false
			}
			if i == 0 && s.ticks(item.id) || i == 1 && s.awaitsStart(item) {
				f(item.id)
			}
			return true
		})
	}
}

// awaitsStart says whether the deadline is still that of a pending activity's ScheduleToStart time-out.
func (s *State) awaitsStart(item itemDeadline) bool {
	a := s.Activities[item.id]
	return a != nil && a.StartDeadline().Equal(item.at)
}

// ticks says whether item id is pending and has deadlines.
func (s *State) ticks(id int64) bool {
	_, timer := s.Timers[id]
	_, activity := s.Activities[id]
	return timer || activity
}

// nextDeadline is the earliest deadline of an item: of those of ScheduleToStart time-outs, one after the given time.
func (s *State) nextDeadline(after time.Time) (next time.Time) {
	earlier := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	x := s.indexed()
	if x == nil {
		for _, t := range s.Timers {
			earlier(t.Due)
		}
		for _, a := range s.Activities {
			earlier(a.CloseDeadline())
			if d := a.StartDeadline(); d.After(after) {
				earlier(d)
			}
		}
		return next
	}
	for len(x.firm) > 0 && !s.ticks(x.firm[0].id) {
		heap.Pop(&x.firm)
		x.size--
	}
	if len(x.firm) > 0 {
		earlier(x.firm[0].at)
	}
	x.starts.walk(0, func(item itemDeadline) bool {
		switch {
		case !next.IsZero() && !item.at.Before(next):
			return false
		case item.at.After(after) && s.awaitsStart(item):
			earlier(item.at)
			return false
		}
		return true
	})
	return next
}

// deadlines is a heap of deadlines, earliest first.
type deadlines []itemDeadline

type itemDeadline struct {
	at time.Time
	id int64
}

// walk calls f with the entry at i and, where f returns true, with those below it, which are due no earlier.
func (d deadlines) walk(i int, f func(itemDeadline) bool) {
	if i < len(d) && f(d[i]) {
		d.walk(2*i+1, f)
		d.walk(2*i+2, f)
	}
}

// Len, Less, Swap, Push and Pop are for package heap.
func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push appends a deadline.
func (d *deadlines) Push(x any) { *d = append(*d, x.(itemDeadline)) }

// Pop takes the last deadline.
func (d *deadlines) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}
