package main

import (
	"os"
	"strings"
	"testing"
)

func TestAProcessThatHoldsMoreAndMoreIsReported(t *testing.T) {
	var m memory
	for i := range int64(memoryLooks) {
		m.look("leaky", 20<<20+i<<19)
		m.look("steady", 50<<20+i%7<<20)
		m.look("warm", 20<<20+min(i, 20)<<21)
		if i < 60 {
			m.look("short", i<<20)
		}
	}
	for _, h := range m.all() {
		err := h.grown()
		if leaks := h.process == "leaky"; leaks != (err != nil) || leaks && !strings.Contains(err.Error(), "leaky held") {
			t.Errorf("%+v: %v", h, err)
		}
	}
	if percent, long := grow(m.all()); long != 3 || percent < 25 {
		t.Errorf("%d processes lived long enough, one grew by %v%%", long, percent)
	}
}

func TestResidentMemoryIsSeen(t *testing.T) {
	held, err := resident(os.Getpid())
	if os.IsNotExist(err) {
		t.Skip("NOT SHOWN: there is no /proc here")
	}
	if err != nil || held < 1<<20 {
		t.Errorf("this process holds %d bytes, %v", held, err)
	}
}
