package main

import (
	"math"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		sorted []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{1, 9}, 5},
		{[]float64{1, 2, 100}, 2},
		{[]float64{1, 2, 4, 100}, 3},
	} {
		if got := median(tc.sorted); got != tc.want {
			t.Errorf("median(%v) = %v, want %v", tc.sorted, got, tc.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median of nothing = %v, want NaN", got)
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, tc := range []struct {
		sorted []int
		p      float64
		want   int
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred, 0, 1},
		{[]int{3, 8}, 50, 3}, {[]int{3, 8}, 51, 8}, {[]int{5}, 99, 5}, {nil, 99, 0},
	} {
		if got := percentile(tc.sorted, tc.p); got != tc.want {
			t.Errorf("percentile(%d values, %v) = %d, want %d", len(tc.sorted), tc.p, got, tc.want)
		}
	}
}

func TestSummarizeSortsACopy(t *testing.T) {
	rounds := []float64{5, 1, 3}
	got := summarize(rounds, func(v float64) float64 { return v })
	if want := (summary{median: 3, low: 1, high: 5}); got != want {
		t.Errorf("summarize = %v, want %v", got, want)
	}
	if rounds[0] != 5 {
		t.Errorf("the rounds were reordered: %v", rounds)
	}
	if got := summarize(nil, func(v float64) float64 { return v }); got != (summary{}) {
		t.Errorf("summary of nothing = %v, want zero", got)
	}
}

// A machine that is slow in one round is slow for both systems of that round: the ratio of medians would be 0.4 here.
func TestRatiosAreTakenWithinRounds(t *testing.T) {
	at := func(rate float64, cpu time.Duration) sample { return sample{rate: rate, cpu: cpu} }
	ours := []sample{at(50, 4), at(10, 20), at(20, 10)}
	theirs := []sample{at(100, 2), at(20, 10), at(50, 4)}
	rate, cpu := ratios(ours, theirs)
	if want := (summary{median: 0.5, low: 0.4, high: 0.5}); rate != want {
		t.Errorf("ratio of rates = %v, want %v", rate, want)
	}
	if want := (summary{median: 0.5, low: 0.4, high: 0.5}); cpu != want {
		t.Errorf("ratio of CPU times = %v, want %v", cpu, want)
	}
}

func TestARatioOfNothingIsZero(t *testing.T) {
	rate, cpu := ratios([]sample{{rate: 5, cpu: 5}}, []sample{{}})
	if rate.median != 0 || cpu.median != 0 {
		t.Errorf("ratios = %v and %v, want 0: a target must not pass on what was not measured", rate, cpu)
	}
}
