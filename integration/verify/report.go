package verify

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Verdict is what a report comes to.
type Verdict string

// The verdicts. Red goes before void.
const (
	Green Verdict = "green"
	Red   Verdict = "red"
	// Void says that nothing was found that must not be, but too little was done or examined for that to mean anything.
	Void Verdict = "void"
)

// Invariant is one of I1 to I8.
type Invariant string

// The invariants; the package's comment says what they mean.
const (
	I1 Invariant = "I1"
	I2 Invariant = "I2"
	I3 Invariant = "I3"
	I4 Invariant = "I4"
	I5 Invariant = "I5"
	I6 Invariant = "I6"
	I7 Invariant = "I7"
	I8 Invariant = "I8"
)

func (i Invariant) title() string {
	switch i {
	case I1:
		return "nothing acknowledged is lost"
	case I2:
		return "nothing is doubled"
	case I3:
		return "everything ended as expected"
	case I4:
		return "executions are explained"
	case I5:
		return "one order of everything"
	case I6:
		return "histories replay"
	case I7:
		return "poison does not slow others"
	case I8:
		return "enough was done"
	}
	return ""
}

// Violation is one thing that must not be.
type Violation struct {
	Invariant Invariant `json:"invariant"`
	// WorkflowID and RunID are empty when it is about no run in particular.
	WorkflowID string `json:"workflow,omitempty"`
	RunID      string `json:"run,omitempty"`
	What       string `json:"what"`
}

// String names the invariant, the run and what is wrong.
func (v Violation) String() string {
	switch {
	case v.RunID != "":
		return fmt.Sprintf("%s: run %s/%s: %s", v.Invariant, v.WorkflowID, v.RunID, v.What)
	case v.WorkflowID != "":
		return fmt.Sprintf("%s: workflow %s: %s", v.Invariant, v.WorkflowID, v.What)
	}
	return fmt.Sprintf("%s: %s", v.Invariant, v.What)
}

// Judgement is what was found out about one invariant.
type Judgement struct {
	// Examined counts what was looked at, Violated what was wrong.
	Examined int `json:"examined"`
	Violated int `json:"violated"`
	// Not says why it was not examined, empty if it was.
	Not string `json:"not,omitempty"`
}

// Quantiles are of durations.
type Quantiles struct {
	Count int           `json:"count"`
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
}

func quantiles(d []time.Duration) Quantiles {
	if len(d) == 0 {
		return Quantiles{}
	}
	slices.Sort(d)
	at := func(q float64) time.Duration { return d[int(q*float64(len(d)-1))] }
	return Quantiles{Count: len(d), P50: at(0.5), P99: at(0.99), Max: d[len(d)-1]}
}

// Counted is how often something happened, by outcome.
type Counted struct {
	Acknowledged int `json:"acknowledged"`
	Refused      int `json:"refused"`
	Unknown      int `json:"unknown"`
	// Stored counts the unknown ones that took effect all the same.
	Stored int `json:"stored"`
}

// FaultCount is how often a kind of fault was done.
type FaultCount struct {
	Injected int `json:"injected"`
	// Hit counts those that hit an operation or an execution in flight.
	Hit int `json:"hit"`
	// Recovery is from the fault to the recovery, of those whose recovery was noted.
	Recovery Quantiles `json:"recovery"`
}

// Extra is what was executed more than once.
type Extra struct {
	Executions int `json:"executions"`
	Activities int `json:"activities"`
	// Retried follow a failure, Lost an execution that never ended, Faulted a fault; nothing explains Unexplained.
	Retried     int `json:"retried"`
	Lost        int `json:"lost"`
	Faulted     int `json:"faulted"`
	Unexplained int `json:"unexplained"`
	// Local counts further executions of local activities, which may happen at any time.
	Local int `json:"local"`
	// Ratio is executions for each activity, without retries of failures and without local activities.
	Ratio float64 `json:"ratio"`
}

// Report is what was found in a directory of evidence.
type Report struct {
	Verdict    Verdict                   `json:"verdict"`
	Plan       Plan                      `json:"plan"`
	Invariants map[Invariant]*Judgement  `json:"invariants"`
	Operations map[OperationKind]Counted `json:"operations"`
	Faults     map[FaultKind]*FaultCount `json:"faults"`
	Recovery   Quantiles                 `json:"recovery"`
	Extra      Extra                     `json:"extra"`
	Runs       int                       `json:"runs"`
	Records    int                       `json:"records"`
	Events     int                       `json:"events"`
	// Junk counts messages in the lanes of histories that are no records.
	Junk        int `json:"junk"`
	DeadLetters int `json:"deadLetters"`
	// Latency is, by class, from the start of a run to the answer about its completion.
	Latency map[string]Quantiles `json:"latency,omitempty"`
	// Violations are the first ones of each invariant, Judgement.Violated counts all.
	Violations []Violation   `json:"violations"`
	Took       time.Duration `json:"took"`
}

// keptViolations bounds how many violations of one invariant a report names.
const keptViolations = 200

func newReport(p Plan) *Report {
	r := &Report{Plan: p, Invariants: map[Invariant]*Judgement{}, Operations: map[OperationKind]Counted{},
		Faults: map[FaultKind]*FaultCount{}, Latency: map[string]Quantiles{}, Violations: []Violation{}}
	for _, i := range allInvariants() {
		r.Invariants[i] = &Judgement{}
	}
	return r
}

func allInvariants() []Invariant { return []Invariant{I1, I2, I3, I4, I5, I6, I7, I8} }

func (r *Report) violate(v Violation) {
	j := r.Invariants[v.Invariant]
	if j.Violated++; j.Violated <= keptViolations {
		r.Violations = append(r.Violations, v)
	}
}

// conclude sets the verdict.
func (r *Report) conclude() {
	r.Verdict = Green
	for _, i := range allInvariants() {
		j := r.Invariants[i]
		switch {
		case j.Violated > 0 && i != I8:
			r.Verdict = Red
			return
		case j.Violated > 0 || j.Not != "" && r.asksFor(i):
			r.Verdict = Void
		}
	}
}

// asksFor says whether the plan wants an invariant examined.
func (r *Report) asksFor(i Invariant) bool {
	switch i {
	case I6:
		return !r.Plan.NoReplay
	case I5:
		return !r.Plan.NoOrder
	case I7:
		return r.Plan.Baseline > 0
	}
	return true
}

// Broken are the invariants that are violated.
func (r *Report) Broken() []Invariant {
	var broken []Invariant
	for _, i := range allInvariants() {
		if r.Invariants[i].Violated > 0 {
			broken = append(broken, i)
		}
	}
	return broken
}

// WriteJSON writes all of the report.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// shownViolations bounds how many violations the text of a report shows.
const shownViolations = 20

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "verdict  %s", strings.ToUpper(string(r.Verdict)))
	if r.Plan.Name != "" {
		fmt.Fprintf(&b, "  %s", r.Plan.Name)
	}
	fmt.Fprintf(&b, "  (seed %d, examined in %v)\n\n", r.Plan.Seed, r.Took.Round(time.Millisecond))
	for _, i := range allInvariants() {
		j := r.Invariants[i]
		state := "holds"
		switch {
		case j.Violated > 0:
			state = fmt.Sprintf("VIOLATED %d times", j.Violated)
		case j.Not != "":
			state = "not examined: " + j.Not
		}
		fmt.Fprintf(&b, "%s  %-30s %9d examined  %s\n", i, i.title(), j.Examined, state)
	}
	r.writeCounts(&b)
	for n, v := range r.Violations {
		if n == shownViolations {
			fmt.Fprintf(&b, "  and %d more\n", len(r.Violations)-n)
			break
		}
		if n == 0 {
			b.WriteString("\nviolations\n")
		}
		fmt.Fprintf(&b, "  %s\n", v)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeCounts(b *strings.Builder) {
	fmt.Fprintf(b, "\n%d runs, %d records, %d events; %d messages that are no records, %d dead letters\n", r.Runs, r.Records, r.Events, r.Junk, r.DeadLetters)
	b.WriteString("\noperations    acknowledged    refused    unknown   of these stored\n")
	for _, k := range slices.Sorted(maps.Keys(r.Operations)) {
		c := r.Operations[k]
		fmt.Fprintf(b, "  %-12s %11d %10d %10d %10d\n", k, c.Acknowledged, c.Refused, c.Unknown, c.Stored)
	}
	if len(r.Faults) > 0 {
		b.WriteString("\nfaults                 injected   hit work   recovery p50          p99\n")
		for _, k := range slices.Sorted(maps.Keys(r.Faults)) {
			f := r.Faults[k]
			fmt.Fprintf(b, "  %-20s %8d %10d %14v %12v\n", k, f.Injected, f.Hit, f.Recovery.P50.Round(time.Millisecond), f.Recovery.P99.Round(time.Millisecond))
		}
	}
	x := r.Extra
	fmt.Fprintf(b, "\nexecutions %d of %d activities, ratio %.4f; further ones: %d after a failure, %d after a lost one, %d after a fault, %d unexplained, %d local\n",
		x.Executions, x.Activities, x.Ratio, x.Retried, x.Lost, x.Faulted, x.Unexplained, x.Local)
	for _, class := range slices.Sorted(maps.Keys(r.Latency)) {
		q := r.Latency[class]
		fmt.Fprintf(b, "latency of %s runs: %d, p50 %v, p99 %v, max %v\n", class, q.Count, q.P50.Round(time.Microsecond), q.P99.Round(time.Microsecond), q.Max.Round(time.Microsecond))
	}
}
