package streams

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/fairness"
	"github.com/millrace-dev/millrace/internal/history"
)

// emptyFor is for how long an empty bucket is not asked again while others deliver: else each of them would cost every
// delivery a question.
const emptyFor = 100 * time.Millisecond

// shares are the buckets of fairness keys among which a puller divides its room, those of each rank apart.
type shares struct {
	ranks  map[int]*fairness.Shares
	groups map[bucketOfRank]*fairness.Group

	// Of one division, kept for the next.
	waiting []*fairness.Group
	counts  []int
}

type bucketOfRank struct{ rank, bucket int }

// newShares is nil where there are no two buckets.
func newShares(durables []durable) *shares {
	s := &shares{ranks: map[int]*fairness.Shares{}, groups: map[bucketOfRank]*fairness.Group{}}
	several := false
	for _, d := range durables {
		several = several || d.bucket != durables[0].bucket
		s.ranks[d.rank] = &fairness.Shares{}
		s.groups[bucketOfRank{d.rank, d.bucket}] = &fairness.Group{}
	}
	if !several {
		return nil
	}
	return s
}

func (s *shares) group(d *durable) *fairness.Group {
	return s.groups[bucketOfRank{d.rank, d.bucket}]
}

// charge notes the delivery of a message.
func (s *shares) charge(part *pullPart, m *nats.Msg) {
	s.ranks[part.rank].Charge(s.group(&part.durable), weightOf(m.Header))
}

// idle notes that nothing waits.
func (s *shares) idle() {
	for _, rank := range s.ranks {
		rank.Idle()
	}
}

// weightOf is 1 for what is no weight, too: it comes from outside.
func weightOf(h nats.Header) float64 {
	values := h[headerWeight]
	if len(values) == 0 {
		return 1
	}
	weight, err := strconv.ParseFloat(values[0], 64)
	if err != nil || !(weight >= history.MinWeight && weight <= history.MaxWeight) {
		return 1
	}
	return weight
}

// divide calls ask with how much of the room each of these parts, which are of one rank, is asked for.
func (s *shares) divide(room int, parts []*pullPart, ask func(part *pullPart, batch int)) {
	if len(parts) == 0 {
		return
	}
	s.waiting = s.waiting[:0]
	members := map[*fairness.Group][]*pullPart{}
	for _, part := range parts {
		g := s.group(&part.durable)
		if len(members[g]) == 0 {
			g.Waits = false
			s.waiting = append(s.waiting, g)
		}
		g.Waits = g.Waits || part.backlog > 0
		members[g] = append(members[g], part)
	}
	if len(s.counts) < len(s.waiting) {
		s.counts = make([]int, len(s.groups))
	}
	counts := s.counts[:len(s.waiting)]
	s.ranks[parts[0].rank].Allot(room, s.waiting, counts)
	for i, g := range s.waiting {
		for k, part := range members[g] {
			if batch := ceilDiv(counts[i], len(members[g])-k); batch > 0 {
				ask(part, batch)
				counts[i] -= batch
			}
		}
	}
}
