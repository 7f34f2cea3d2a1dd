package main

import (
	"testing"
	"time"
)

func TestTimersThatAreTooLateAreReported(t *testing.T) {
	late := make([]time.Duration, 200)
	late[0], late[1] = time.Hour, time.Hour
	if err := tooLate(late); err != nil {
		t.Errorf("one of a hundred is late: %v", err)
	}
	late[2] = time.Hour
	if tooLate(late) == nil {
		t.Error("more than one of a hundred is late, and nobody says so")
	}
	if err := tooLate(nil); err != nil {
		t.Error(err)
	}
}
