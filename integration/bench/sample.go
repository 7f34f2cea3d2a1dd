package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// sample is what one measurement of one system gave.
type sample struct {
	// rate is in units of work per second: runs, activities or signals, as the workload counts.
	rate float64
	// p50 and p99 are of the time from the start of a run until whoever started it knew of its end.
	p50, p99 time.Duration
	// cpu is what all processes together used, the servers included, for one run.
	cpu time.Duration
	// disk is the bytes that one run left on disk, warm-up included.
	disk float64
}

// summary is a value over several rounds: the median, and the lowest and highest as its spread.
type summary struct{ median, low, high float64 }

func (s summary) String() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.median, s.low, s.high) }

// summarize takes one value of each round. The zero summary stands for no rounds.
func summarize[T any](rounds []T, value func(T) float64) summary {
	if len(rounds) == 0 {
		return summary{}
	}
	v := make([]float64, len(rounds))
	for i, r := range rounds {
		v[i] = value(r)
	}
	slices.Sort(v)
	return summary{median: median(v), low: v[0], high: v[len(v)-1]}
}

// summarizeValues is summarize of the values themselves.
func summarizeValues(v []float64) summary {
	return summarize(v, func(v float64) float64 { return v })
}

// median is the middle of sorted values, or halfway between the two in the middle.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the smallest of the sorted values that is not exceeded by p percent of them, 0 without values.
func percentile[T cmp.Ordered](sorted []T, p float64) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	rank := int(math.Ceil(p/100*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// ratios compares what two systems did in the same round, by rate and by CPU time: 1 is as good as the other, and less
// is worse. Neighbours in time share what else the machine was doing, so a ratio is taken in each round and the median
// afterwards.
func ratios(ours, theirs []sample) (rate, cpu summary) {
	n := min(len(ours), len(theirs))
	type pair struct{ ours, theirs sample }
	pairs := make([]pair, n)
	for i := range n {
		pairs[i] = pair{ours[i], theirs[i]}
	}
	rate = summarize(pairs, func(p pair) float64 { return quotient(p.ours.rate, p.theirs.rate) })
	cpu = summarize(pairs, func(p pair) float64 { return quotient(float64(p.theirs.cpu), float64(p.ours.cpu)) })
	return rate, cpu
}

// quotient is a/b, 0 where that has no value: what was not measured never looks good.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func rateOf(s sample) float64 { return s.rate }
func p50Of(s sample) float64  { return ms(s.p50) }
func p99Of(s sample) float64  { return ms(s.p99) }
func cpuOf(s sample) float64  { return ms(s.cpu) }
func diskOf(s sample) float64 { return s.disk }
