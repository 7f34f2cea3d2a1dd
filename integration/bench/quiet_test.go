package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

func TestWhatOthersUse(t *testing.T) {
	from := parseProcessors("cpu  100 0 50 800 50 0 0 0 0 0")
	to := parseProcessors("cpu  180 0 70 900 50 0 0 0 0 0")
	if from != (processors{150, 1000}) || to != (processors{250, 1200}) {
		t.Fatalf("parsed %v and %v", from, to)
	}
	// Half of two processors was used in a second, and a fifth of them by us.
	if got := others(from, to, time.Second, 400*time.Millisecond, 2); math.Abs(got-0.3) > 1e-9 {
		t.Errorf("others used %v, want 0.3", got)
	}
	for _, line := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2", "cpu a b c d e f g h"} {
		if got := parseProcessors(line); got != (processors{}) {
			t.Errorf("parseProcessors(%q) = %v, want nothing", line, got)
		}
	}
	if got := others(processors{}, processors{}, time.Second, time.Second, 2); got != 0 {
		t.Errorf("without an account others used %v, want 0", got)
	}
}

func TestASlowBareProgramIsDistrusted(t *testing.T) {
	for _, tc := range []struct {
		rate   float64
		slower bool
		want   bool
	}{{5_999, false, true}, {6_000, false, false}, {3_000, true, false}} {
		var out bytes.Buffer
		r := measured(&out, map[string]float64{})
		r.begun, r.slower = time.Now(), tc.slower
		r.contest("W1/64", []contestant{bareQueue()}, map[string][]sample{"queue": {{rate: tc.rate}}})
		r.trust()
		if got := strings.Contains(out.String(), "DISTRUSTED: W1/64 queue"); got != tc.want {
			t.Errorf("%.0f runs per second, slower broker %v: distrusted is %v, want %v", tc.rate, tc.slower, got, tc.want)
		}
	}
}
