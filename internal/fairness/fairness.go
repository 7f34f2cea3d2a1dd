// Package fairness divides what is delivered among groups in proportion to their weights, whatever waits of each. It is
// start-time fair queuing: in virtual time, which passes by one for each member of a group of weight one, each member starts
// when the one before it has finished, and who starts first is next.
//
// A group that had nothing for a while has no claim to what it has missed: its next member starts now, and so it comes at
// once. Nothing here is safe for concurrent use.
package fairness

import "math"

// Group is one of those that share. The zero value has had nothing yet.
type Group struct {
	// Waits says that members of the group are known to wait. Its owner sets it.
	Waits bool

	finish float64 // of its last member
	weight float64 // of its last member, 0 before the first
}

// Shares is the virtual time of groups that share. The zero value is ready.
type Shares struct {
	now  float64
	last float64 // the latest finish of all
}

// Allot divides room among the groups, of which each may take all that it is given. counts has a place for each group. What
// one of them does not use is divided by the next call.
func (s *Shares) Allot(room int, groups []*Group, counts []int) {
	clear(counts)
	first := math.Inf(1)
	for _, g := range groups {
		if g.Waits {
			first = min(first, g.finish)
		}
	}
	if !math.IsInf(first, 1) {
		s.now = max(s.now, first)
	}
	if len(groups) == 0 {
		return
	}
	for range room {
		next, least := 0, math.Inf(1)
		for i, g := range groups {
			if start := max(g.finish, s.now) + float64(counts[i])*g.cost(); start < least {
				next, least = i, start
			}
		}
		counts[next]++
	}
}

// Charge notes that a member of the group was delivered, with its weight.
func (s *Shares) Charge(g *Group, weight float64) {
	g.weight = weight
	g.finish = max(g.finish, s.now) + g.cost()
	s.last = max(s.last, g.finish)
}

// Idle notes that nothing waits of any group: what comes next owes nothing to what was before.
func (s *Shares) Idle() { s.now = s.last }

// cost is the virtual time that a member takes.
func (g *Group) cost() float64 {
	if g.weight == 0 {
		return 1
	}
	return 1 / g.weight
}
