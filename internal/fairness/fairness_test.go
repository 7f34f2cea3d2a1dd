package fairness

import (
	"math"
	"slices"
	"testing"
)

// deliver takes n members one by one from groups that have backlogs, and counts them.
func deliver(s *Shares, n int, groups []*Group, weights []float64) []int {
	got := make([]int, len(groups))
	counts := make([]int, len(groups))
	for range n {
		s.Allot(1, groups, counts)
		i := slices.Index(counts, 1)
		s.Charge(groups[i], weights[i])
		got[i]++
	}
	return got
}

func backlogs(n int) []*Group {
	var groups []*Group
	for range n {
		groups = append(groups, &Group{Waits: true})
	}
	return groups
}

func TestSharesAreInProportionToWeights(t *testing.T) {
	var s Shares
	weights := []float64{3, 1, 0.5, 1000, 0.001}
	got := deliver(&s, 10046, backlogs(5), weights)
	// One member of the last group takes as long as a thousand of weight one: it has had one, and that is all.
	want := []float64{30, 10, 5, 10000, 1}
	for i := range want {
		if math.Abs(float64(got[i])-want[i]) > max(2, want[i]/500) {
			t.Errorf("group of weight %v got %d, want about %v", weights[i], got[i], want[i])
		}
	}
}

func TestRoomIsDividedAsIfOneByOne(t *testing.T) {
	groups := backlogs(3)
	var s Shares
	weights := []float64{2, 1, 1}
	deliver(&s, 8, groups, weights)
	counts := make([]int, 3)
	for range 5 { // what arrives in one order or another
		s.Allot(40, groups, counts)
		if !slices.Equal(counts, []int{20, 10, 10}) {
			t.Errorf("room is divided as %v", counts)
		}
		for i, n := range counts {
			for range n {
				s.Charge(groups[i], weights[i])
			}
		}
	}
}

func TestGroupThatComesLaterIsNextButHasNoClaimToThePast(t *testing.T) {
	groups := backlogs(2)
	groups[1].Waits = false
	var s Shares
	deliver(&s, 1000, groups[:1], []float64{1})
	groups[1].Waits = true
	if got := deliver(&s, 20, groups, []float64{1, 1}); got[1] < 9 || got[1] > 11 {
		t.Errorf("groups got %v of 20", got)
	}
}

func TestNothingIsOwedAfterIdleness(t *testing.T) {
	groups := backlogs(2)
	var s Shares
	// One group alone, of which never two wait.
	groups[0].Waits, groups[1].Waits = false, false
	for range 100 {
		s.Charge(groups[0], 1)
		s.Idle()
	}
	groups[0].Waits, groups[1].Waits = true, true
	if got := deliver(&s, 20, groups, []float64{1, 1}); got[0] < 9 {
		t.Errorf("groups got %v of 20", got)
	}
}

func TestEmptyGroupHoldsNobodyUp(t *testing.T) {
	groups := backlogs(3)
	groups[2].Waits = false // perhaps empty: asked, and never charged
	var s Shares
	counts := make([]int, 3)
	got := make([]int, 2)
	for range 100 {
		s.Allot(6, groups, counts)
		for i := range got {
			for range counts[i] {
				s.Charge(groups[i], 1)
				got[i]++
			}
		}
	}
	if got[0] < 150 || got[0] != got[1] {
		t.Errorf("groups got %v of 600", got)
	}
}
