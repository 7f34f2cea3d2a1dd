package streamstest

import (
	"cmp"
	"time"

	"github.com/millrace-dev/millrace/internal/fairness"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// shares are the buckets of fairness keys of one priority. Unlike a puller, the model knows what waits in each.
type shares struct {
	fairness.Shares
	buckets []*bucket
}

type bucket struct {
	fairness.Group
	number   int
	durables []*durable
}

// share adds a durable consumer to those of its priority and bucket.
func (c *consumer) share(name durableName, d *durable) {
	class := cmp.Or(name.class, history.DefaultPriority)
	s := c.shares[class]
	if s == nil {
		s = &shares{}
		c.shares[class] = s
	}
	for _, b := range s.buckets {
		if b.number == name.bucket {
			b.durables = append(b.durables, d)
			return
		}
	}
	s.buckets = append(s.buckets, &bucket{number: name.bucket, durables: []*durable{d}})
}

// first is the consumer whose turn it is, nil when nothing waits.
func (c *consumer) first(now time.Time) *durable {
	for class := 1; class <= streams.MaxClass; class++ {
		s := c.shares[class]
		if s == nil {
			continue
		}
		var waiting []*fairness.Group
		var firsts []*durable
		for _, b := range s.buckets {
			b.Waits = false
			for _, d := range b.durables {
				if d.ready(now) {
					b.Waits = true
					waiting, firsts = append(waiting, &b.Group), append(firsts, d)
					break
				}
			}
		}
		if len(waiting) == 0 {
			s.Idle()
			continue
		}
		counts := make([]int, len(waiting))
		s.Allot(1, waiting, counts)
		for i, n := range counts {
			if n > 0 {
				return firsts[i]
			}
		}
	}
	return nil
}

// charge notes a delivery.
func (c *consumer) charge(p *pending) {
	s := c.shares[cmp.Or(p.class, history.DefaultPriority)]
	weight, _ := p.headers.(taskWeight)
	for _, b := range s.buckets {
		if b.number == p.bucket {
			s.Charge(&b.Group, cmp.Or(float64(weight), 1))
		}
	}
}
