package goroutines_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/internal/goroutines"
)

func TestABacklogDoesAFewAtATimeAndHoldsSoMany(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := goroutines.Backlog{Width: 2, Jobs: 3, Bytes: 100}
	begun, end := make(chan int), make(chan struct{})
	add := func(n, bytes int) bool {
		return b.Add(bytes, func() { begun <- n; <-end }, func() { t.Errorf("job %d was left", n) })
	}
	for n := range 2 {
		if !add(n, 1000) {
			t.Fatalf("job %d was refused where nothing waits", n)
		}
		<-begun
	}
	for n := 2; n < 5; n++ {
		if !add(n, 30) {
			t.Fatalf("job %d was refused", n)
		}
	}
	if add(5, 1) {
		t.Error("a fourth job waits")
	}
	end <- struct{}{}
	if n := <-begun; n != 2 {
		t.Errorf("job %d follows, want 2", n)
	}
	if add(5, 41) {
		t.Error("more bytes wait than may")
	}
	if !add(6, 40) {
		t.Error("a job was refused for which there is room")
	}
	for range 3 {
		end <- struct{}{}
		<-begun
	}
	close(end)
	b.Close()
	if b.Add(1, func() { t.Error("done after Close") }, func() { t.Error("left after Close") }) {
		t.Error("taken after Close")
	}
}

func TestAClosedBacklogLeavesWhatHasNotBegun(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := goroutines.Backlog{Width: 1, Jobs: 10, Bytes: 10}
	begun, left := make(chan struct{}), make(chan int, 10)
	ended := false
	b.Add(1, func() {
		begun <- struct{}{}
		for range 3 {
			<-left // what is left is left before Close waits for what runs
		}
		ended = true
	}, nil)
	<-begun
	for n := range 3 {
		b.Add(1, func() { t.Error("begun after Close") }, func() { left <- n })
	}
	b.Close()
	if !ended {
		t.Error("Close did not wait for what had begun")
	}
}
