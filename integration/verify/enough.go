package verify

import (
	"slices"
	"time"
)

// isolation decides I7.
func (j *judgement) isolation() {
	type key struct{ workflowID, runID string }
	begun := map[key]int64{}
	for i := range j.operations {
		if op := &j.operations[i]; op.Kind == OperationStart && op.Outcome == Acknowledged {
			begun[key{op.WorkflowID, op.RunID}] = op.Begun
		}
	}
	latencies := map[string][]time.Duration{}
	for i := range j.operations {
		op := &j.operations[i]
		if op.Kind != OperationCompletion || op.Outcome != Acknowledged || op.Class == "" {
			continue
		}
		if from, ok := begun[key{op.WorkflowID, op.RunID}]; ok {
			latencies[op.Class] = append(latencies[op.Class], time.Duration(op.Ended-from))
		}
	}
	for class, all := range latencies {
		j.report.Latency[class] = quantiles(all)
	}
	baseline, healthy := j.plan.Baseline, j.report.Latency[ClassHealthy]
	if baseline == 0 {
		baseline = j.report.Latency[ClassBaseline].P99
	}
	verdict := j.report.Invariants[I7]
	switch {
	case baseline == 0:
		verdict.Not = "there is no baseline"
		return
	case healthy.Count == 0:
		verdict.Not = "no run is marked as healthy"
		return
	}
	verdict.Examined = healthy.Count
	slowdown := j.plan.Slowdown
	if slowdown == 0 {
		slowdown = 2
	}
	if limit := time.Duration(float64(baseline) * slowdown); healthy.P99 > limit {
		j.violate(I7, "", "", "the p99 of healthy runs is %v, at most %v is allowed beside a baseline of %v", healthy.P99, limit, baseline)
	}
}

// enough decides I8.
func (j *judgement) enough() {
	verdict := j.report.Invariants[I8]
	acknowledged := 0
	for _, c := range j.report.Operations {
		acknowledged += c.Acknowledged
	}
	verdict.Examined = acknowledged + len(j.faults)
	if acknowledged == 0 {
		j.violate(I8, "", "", "no operation was acknowledged")
	}
	for kind, target := range j.plan.Operations {
		// One whose answer was lost happened all the same, if it was found stored.
		c := j.report.Operations[kind]
		if got := c.Acknowledged + c.Stored; 5*got < 4*target {
			j.violate(I8, "", "", "%d operations of kind %s were acknowledged or found stored, at least four fifths of %d were planned", got, kind, target)
		}
	}
	j.countFaults()
	for kind, wanted := range j.plan.Faults {
		hit := 0
		if f := j.report.Faults[kind]; f != nil {
			hit = f.Hit
		}
		if hit < wanted {
			j.violate(I8, "", "", "%d faults of kind %s hit something in flight, %d had to", hit, kind, wanted)
		}
	}
}

// countFaults counts the faults, and those that hit something in flight: what befell one process has to have hit what
// that process held, not what others did meanwhile.
func (j *judgement) countFaults() {
	work := newFlights()
	for i := range j.operations {
		work.add(j.operations[i].Begun, j.operations[i].Ended)
	}
	held := map[int]*flights{} // by process
	for _, x := range j.executions {
		for _, o := range x.all {
			work.add(o.begun, o.ended)
			if held[o.pid] == nil {
				held[o.pid] = newFlights()
			}
			held[o.pid].add(o.begun, o.ended)
		}
	}
	work.sort()
	for _, h := range held {
		h.sort()
	}
	recoveries := map[FaultKind][]time.Duration{}
	var all []time.Duration
	for i := range j.faults {
		f := &j.faults[i]
		c := j.report.Faults[f.Kind]
		if c == nil {
			c = &FaultCount{}
			j.report.Faults[f.Kind] = c
		}
		c.Injected++
		inFlight, until := work, max(f.Begun, f.Ended)
		if f.PID != 0 {
			// What the process begins after a stop has ended was not hit by it.
			inFlight, until = held[f.PID], f.Begun
		}
		if f.Hit != "" || inFlight.between(f.Begun, until) > 0 {
			c.Hit++
		}
		if f.Recovered > 0 {
			d := time.Duration(f.Recovered - f.Begun)
			recoveries[f.Kind], all = append(recoveries[f.Kind], d), append(all, d)
		}
	}
	for kind, d := range recoveries {
		j.report.Faults[kind].Recovery = quantiles(d)
	}
	j.report.Recovery = quantiles(all)
}

// flights counts what was in flight at a time.
type flights struct{ begun, ended []int64 }

func newFlights() *flights { return &flights{} }

// neverEnded is for how long something without an end counts as in flight: its process may have died at once.
const neverEnded = 10 * time.Second

func (f *flights) add(begun, ended int64) {
	if ended == 0 {
		ended = begun + neverEnded.Nanoseconds()
	}
	f.begun, f.ended = append(f.begun, begun), append(f.ended, ended)
}

func (f *flights) sort() {
	slices.Sort(f.begun)
	slices.Sort(f.ended)
}

// between counts what was in flight at some time from from to to. Nil has nothing.
func (f *flights) between(from, to int64) int {
	if f == nil {
		return 0
	}
	begun, _ := slices.BinarySearch(f.begun, to+1)
	ended, _ := slices.BinarySearch(f.ended, from)
	return begun - ended
}
