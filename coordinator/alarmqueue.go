package coordinator

import "container/heap"

// alarmQueue is a heap of alarms, earliest first; every alarm knows its place in it.
type alarmQueue []*alarm

// Len, Less, Swap, Push and Pop are for package heap.
func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

// Swap exchanges two alarms and their places.
func (q alarmQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

// Push appends an alarm.
func (q *alarmQueue) Push(x any) {
	a := x.(*alarm)
	a.pos = len(*q)
	*q = append(*q, a)
}

// Pop takes the last alarm.
func (q *alarmQueue) Pop() any {
	old := *q
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return a
}

func (q *alarmQueue) push(a *alarm)  { heap.Push(q, a) }
func (q *alarmQueue) fix(pos int)    { heap.Fix(q, pos) }
func (q *alarmQueue) remove(pos int) { heap.Remove(q, pos) }
