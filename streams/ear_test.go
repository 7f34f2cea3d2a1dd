package streams

import (
	"slices"
	"testing"
	"time"
)

func TestEarHearsEachLaneUntilItIgnoresIt(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	const build = "b 1"
	heard := make(chan TaskLane, 100)
	ear, err := f.ns.HearLanes("q", build, func(l TaskLane) { heard <- l })
	f.ok(err)
	defer ear.Close()
	f.ok(f.nc.Flush())
	event := int64(0)
	hears := func(l TaskLane, want bool) {
		t.Helper()
		event++
		_, err := f.ns.PublishTask(f.ctx, TaskRef{Run: newRun("w").Run, Queue: "q", Activity: event, TaskLane: l}, nil)
		f.ok(err)
		if want { // what should not be heard takes its place
			if got := <-heard; got != l {
				t.Errorf("heard of lane %+v, want %+v", got, l)
			}
		}
	}
	all := []TaskLane{
		{Build: build, Bucket: 3}, {Build: build, Bucket: 4}, {Build: build, Class: 2, Bucket: 3}, {Build: build, Class: 5},
		{Build: build, Class: 2, Bucket: 31},
	}
	hears(TaskLane{}, false)
	hears(TaskLane{Bucket: 3}, false)
	hears(TaskLane{Build: build}, false)
	for i, l := range all {
		hears(l, true)
		f.ok(ear.Ignore(l))
		f.ok(f.nc.Flush())
		for _, known := range all[:i+1] {
			hears(known, false)
		}
	}
	f.ok(ear.Listen(all[1]))
	f.ok(f.nc.Flush())
	hears(all[0], false)
	hears(all[1], true)
	ear.Close()
	f.ok(ear.Listen(all[0]))
	hears(all[0], false)
	f.ok(f.nc.Flush())
	if len(heard) > 0 {
		t.Errorf("heard of lane %+v besides", <-heard)
	}
}

func TestLanesQueuedAreThoseWithTasks(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	stored := []TaskLane{{Class: 1}, {Class: 5}, {Bucket: 1}, {Bucket: 31}, {Class: 4, Bucket: 7}}
	for i, l := range append(stored, TaskLane{}, TaskLane{Build: "b", Bucket: 9}, TaskLane{Build: "b"}) {
		_, err := f.ns.PublishTask(f.ctx, TaskRef{Run: newRun("w").Run, Queue: "q", Activity: int64(i + 1), TaskLane: l}, nil)
		f.ok(err)
	}
	finds := func(build string, open map[TaskLane]bool, want ...TaskLane) {
		t.Helper()
		got, err := f.ns.LanesQueued(f.ctx, "q", build, open)
		f.ok(err)
		if len(got) != len(want) || slices.ContainsFunc(want, func(l TaskLane) bool { return !slices.Contains(got, l) }) {
			t.Errorf("tasks are found in %+v, want %+v", got, want)
		}
	}
	finds("", nil, stored...)
	finds("", map[TaskLane]bool{stored[0]: true, stored[2]: true, stored[3]: true}, stored[1], stored[4])
	finds("b", nil, TaskLane{Build: "b", Bucket: 9})
	finds("c", nil)
}

// The broker forgets the consumer of a bucket that nobody pulls from, and no other.
func TestConsumersOfBucketsAreForgotten(t *testing.T) {
	t.Parallel()
	p := &partition{}
	for lane, want := range map[TaskLane]time.Duration{{}: 0, {Class: 1}: 0, {Build: "b"}: 0, {Bucket: 1}: bucketInactive} {
		if got := p.taskDurable("q", lane, time.Second).config.InactiveThreshold; got != want {
			t.Errorf("consumer of lane %+v is forgotten after %v, want %v", lane, got, want)
		}
	}
}
