package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// busy is a party that was done with something every 100 ms of the first hundred seconds, but for a time.
func busy(name string, idleFrom, idleTo time.Duration) party {
	p := party{name: name}
	for at := 100 * time.Millisecond; at < 100*time.Second; at += 100 * time.Millisecond {
		if at <= idleFrom || at >= idleTo {
			p.done = append(p.done, int64(at))
		}
	}
	return p
}

func TestWhoGoesOnTooLateIsReported(t *testing.T) {
	const s = time.Second
	cut := func(id string, from, to time.Duration) verify.Fault {
		return verify.Fault{ID: id, Kind: "cut", Begun: int64(from), Ended: int64(to)}
	}
	healed, left := limit{"cut", true, 10 * s}, limit{"cut", false, 15 * s}
	for name, c := range map[string]struct {
		limit        limit
		faults       []verify.Fault
		party        party
		judged, late int
	}{
		"in time after the end":                     {healed, []verify.Fault{cut("1", 20*s, 30*s)}, busy("a", 20*s, 39*s), 1, 0},
		"too late after the end":                    {healed, []verify.Fault{cut("1", 20*s, 30*s)}, busy("a", 20*s, 41*s), 1, 1},
		"never after the end":                       {healed, []verify.Fault{cut("1", 20*s, 30*s)}, busy("a", 20*s, 200*s), 1, 1},
		"in time after the beginning":               {left, []verify.Fault{cut("1", 20*s, 50*s)}, busy("a", 20*s, 34*s), 1, 0},
		"too late after the beginning":              {left, []verify.Fault{cut("1", 20*s, 50*s)}, busy("a", 20*s, 36*s), 1, 1},
		"what was on its way does not count":        {left, []verify.Fault{cut("1", 20*s, 50*s)}, busy("a", 20*s+500*time.Millisecond, 36*s), 1, 1},
		"another fault follows too soon":            {healed, []verify.Fault{cut("1", 20*s, 30*s), {ID: "2", Kind: "kill", Begun: int64(35 * s), Ended: int64(36 * s)}}, busy("a", 20*s, 41*s), 0, 1},
		"the load ends too soon":                    {healed, []verify.Fault{cut("1", 84*s, 86*s)}, busy("a", 84*s, 200*s), 0, 1},
		"who had nothing to do before is left out":  {healed, []verify.Fault{cut("1", 20*s, 30*s)}, busy("a", 0, 60*s), 0, 1},
		"that nobody was looked at makes it void":   {healed, nil, busy("a", 0, 0), 0, 1},
		"a fault of another kind has another limit": {healed, []verify.Fault{{ID: "1", Kind: "kill", Begun: int64(20 * s), Ended: int64(30 * s)}}, busy("a", 20*s, 90*s), 0, 1},
	} {
		r, late := c.limit.judge(c.faults, []party{c.party}, int64(95*s))
		if r.judged != c.judged || len(late) != c.late {
			t.Errorf("%s: %v: judged %d, want %d; late %v, want %d", name, r, r.judged, c.judged, late, c.late)
		}
	}
}

func TestResumptionsAreReadFromTheEvidence(t *testing.T) {
	dir := t.TempDir()
	b, err := openBook(dir, "worker-0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.file.Close()
	end, err := b.executions.Begin(verify.Execution{WorkflowID: "w", ActivityID: "1"})
	if err == nil {
		err = end(nil)
	}
	if err == nil {
		err = b.note(decision{Nonce: "n", Begun: 1, Ended: 2})
	}
	ops, opened := verify.OpenOperations(dir, "load", verify.WriteOptions{})
	if err != nil || opened != nil {
		t.Fatal(err, opened)
	}
	for i, outcome := range []verify.Outcome{verify.Acknowledged, verify.Unknown} {
		if err := ops.Append(verify.Operation{ID: fmt.Sprint(i), Kind: verify.OperationStart, Begun: 1, Ended: 5, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ops.Close(); err != nil {
		t.Fatal(err)
	}
	parties, err := readParties(dir)
	if err != nil || len(parties) != 2 || parties[0].name != "client (start)" || len(parties[0].done) != 1 ||
		parties[1].name != "worker-0.1" || len(parties[1].done) != 2 {
		t.Errorf("%+v, %v", parties, err)
	}
}

// A segment lasts until enough has happened, but not for ever.
func TestASegmentGoesOnUntilEnoughHasHappened(t *testing.T) {
	g := &segment{length: time.Second, extra: time.Minute, rate: 1000,
		want: map[verify.FaultKind]int{"kill": 2}}
	play := func(hits int, started int) time.Duration {
		p := &played{segment: g, dir: t.TempDir()}
		l := &load{acknowledged: map[verify.OperationKind]int{}}
		for kind, n := range g.operations() {
			l.acknowledged[kind] = n
		}
		l.acknowledged[verify.OperationStart] = started
		s := &storm{scene: &scene{load: l}, hits: map[verify.FaultKind]int{}}
		began := time.Now()
		time.AfterFunc(10*time.Second, func() {
			for range hits {
				s.note(verify.Fault{Kind: "kill", Hit: "something"})
			}
			s.note(verify.Fault{Kind: "kill"}) // hit nothing
		})
		if ended, err := p.outlast(s, nil); ended || err != nil {
			t.Errorf("outlast: %v, %v", ended, err)
		}
		return time.Since(began)
	}
	enough := g.operations()[verify.OperationStart]
	synctest.Test(t, func(t *testing.T) {
		if took := play(2, enough); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("with enough after 10 s it took %v", took)
		}
		if took := play(1, enough); took != 61*time.Second {
			t.Errorf("with a hit too few it took %v", took)
		}
		if took := play(2, enough-1); took != 61*time.Second {
			t.Errorf("with an operation too few it took %v", took)
		}
	})
}
