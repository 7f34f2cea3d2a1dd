package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// limit is how soon clients and workers have to go on after a kind of fault.
type limit struct {
	kind verify.FaultKind
	// healed counts from the end of the fault, otherwise from its beginning.
	healed bool
	within time.Duration
}

// resumption is how soon those went on who had a limit.
type resumption struct {
	limit
	// judged counts whom was looked at, each after each fault; longest is the longest that one of them took.
	judged  int
	longest time.Duration
	who     string
}

func (r resumption) String() string {
	from := "its beginning"
	if r.healed {
		from = "its end"
	}
	return fmt.Sprintf("%s: %d times somebody was to go on within %v of %s, the longest took %v (%s)", r.kind, r.judged, r.within, from,
		r.longest.Round(time.Millisecond), r.who)
}

// party is somebody whose work shows that it goes on.
type party struct {
	name string
	// done are when it was done with something, in order.
	done []int64
}

const (
	// activeBefore is how much somebody has to have done, in the time of the limit before a fault, for its idleness after it
	// to mean anything.
	activeBefore = 5
	// onItsWay is how long after a server was stopped answers may come that it had given before.
	onItsWay = time.Second
)

// judgeLimits finds out who went on too late.
func (p *played) judgeLimits() error {
	if len(p.segment.limits) == 0 {
		return nil
	}
	parties, err := readParties(p.dir)
	if err != nil {
		return err
	}
	for _, l := range p.segment.limits {
		r, late := l.judge(p.faults, parties, p.loaded)
		p.resumed = append(p.resumed, r)
		p.problems = append(p.problems, late...)
	}
	return nil
}

// judge looks at all faults of its kind that no other follows too soon, and for which there was load for long enough.
func (l limit) judge(faults []verify.Fault, parties []party, loaded int64) (r resumption, late []error) {
	r.limit = l
	for _, f := range faults {
		from, slack := f.Begun, int64(onItsWay)
		if l.healed {
			from, slack = f.Ended, 0
		}
		until := from + int64(l.within)
		followed := slices.ContainsFunc(faults, func(o verify.Fault) bool { return o.ID != f.ID && o.Ended > f.Begun && o.Begun < until })
		if f.Kind != l.kind || followed || until > loaded {
			continue
		}
		for _, p := range parties {
			if p.between(f.Begun-int64(l.within), f.Begun) < activeBefore {
				continue
			}
			r.judged++
			took := time.Duration(p.next(from+slack) - from)
			if took > r.longest {
				r.longest, r.who = took, p.name
			}
			if took > l.within {
				late = append(late, fmt.Errorf("%s goes on %v after %s of %s, %v is allowed", p.name, took, f.Kind, f.Target, l.within))
			}
		}
	}
	if r.judged == 0 {
		late = append(late, fmt.Errorf("VOID: no %s befell anybody who could have gone on", l.kind))
	}
	return r, late
}

// between counts what the party was done with from from to to.
func (p party) between(from, to int64) int {
	i, _ := slices.BinarySearch(p.done, from)
	j, _ := slices.BinarySearch(p.done, to)
	return j - i
}

// next is when the party was first done with something from at on, far in the future if it never was.
func (p party) next(at int64) int64 {
	i, _ := slices.BinarySearch(p.done, at)
	if i == len(p.done) {
		return at + int64(time.Hour)
	}
	return p.done[i]
}

// readParties reads what clients and processes were done with: clients by what they ask for, as starts and signals are
// published and completions are waited for.
func readParties(dir string) ([]party, error) {
	done := map[string][]int64{}
	note := func(name string, at int64) {
		if at > 0 {
			done[name] = append(done[name], at)
		}
	}
	err := readFiles(filepath.Join(dir, "operations-*.jsonl"), func(o verify.Operation) {
		if o.Outcome == verify.Acknowledged {
			note(fmt.Sprintf("client (%s)", o.Kind), o.Ended)
		}
	})
	if err != nil {
		return nil, err
	}
	names, err := filepath.Glob(executionsFile(dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list evidence: %w", err)
	}
	for _, name := range names {
		process := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "executions-"), ".jsonl")
		if _, err := readFrom(name, 0, func(e verify.Execution) { note(process, e.Ended) }); err != nil {
			return nil, err
		}
		if _, err := readFrom(decisionsFile(dir, process), 0, func(d decision) { note(process, d.Ended) }); err != nil {
			return nil, err
		}
	}
	var parties []party
	for name, at := range done {
		slices.Sort(at)
		parties = append(parties, party{name, at})
	}
	slices.SortFunc(parties, func(a, b party) int { return strings.Compare(a.name, b.name) })
	return parties, nil
}
