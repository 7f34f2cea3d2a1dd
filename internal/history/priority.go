package history

import (
	"fmt"
	"hash/fnv"
	"io"

	millrace "github.com/millrace-dev/millrace"
)

// Priority is a millrace.Priority as it is stored.
type Priority struct {
	Key            int32   `msgpack:"k,omitempty"`
	FairnessKey    string  `msgpack:"f,omitempty"`
	FairnessWeight float64 `msgpack:"w,omitempty"`
}

// maxFairnessKey bounds Priority.FairnessKey, in bytes.
const maxFairnessKey = 64

// CheckPriority names the field that is wrong, its value and what it may be.
func CheckPriority(p millrace.Priority) error {
	switch {
	case p.PriorityKey < 0 || p.PriorityKey > 5:
		return fmt.Errorf("Priority.PriorityKey is %d, must be from 1 to 5, or 0", p.PriorityKey)
	case len(p.FairnessKey) > maxFairnessKey:
		return fmt.Errorf("Priority.FairnessKey has %d bytes, the limit is %d", len(p.FairnessKey), maxFairnessKey)
	case !(p.FairnessWeight >= 0):
		return fmt.Errorf("Priority.FairnessWeight is %v, must be at least 0", p.FairnessWeight)
	}
	return nil
}

// PriorityOf is p as it is stored, nil for the zero value.
func PriorityOf(p millrace.Priority) *Priority {
	if p == (millrace.Priority{}) {
		return nil
	}
	return &Priority{Key: int32(p.PriorityKey), FairnessKey: p.FairnessKey, FairnessWeight: float64(p.FairnessWeight)}
}

// Priority is what p was made of.
func (p *Priority) Priority() millrace.Priority {
	if p == nil {
		return millrace.Priority{}
	}
	return millrace.Priority{PriorityKey: int(p.Key), FairnessKey: p.FairnessKey, FairnessWeight: float32(p.FairnessWeight)}
}

// Over is p with what it leaves open taken from the priority of the workflow that asked.
func (p *Priority) Over(inherited *Priority) *Priority {
	if p == nil || inherited == nil {
		if p == nil {
			return inherited
		}
		return p
	}
	merged := *p
	if merged.Key == 0 {
		merged.Key = inherited.Key
	}
	if merged.FairnessKey == "" {
		merged.FairnessKey = inherited.FairnessKey
	}
	if merged.FairnessWeight == 0 {
		merged.FairnessWeight = inherited.FairnessWeight
	}
	return &merged
}

// DefaultPriority is the key of tasks that have none.
const DefaultPriority = 3

// Class is the priority key that a task is queued with, 0 for the default one.
func (p *Priority) Class() int {
	if p == nil || p.Key == DefaultPriority {
		return 0
	}
	return int(p.Key)
}

// FairnessBuckets is how many buckets the fairness keys of a task queue are spread over. It is part of the protocol. All bits
// of a hash have a say in its remainder by a prime.
const FairnessBuckets = 31

// Bucket says with which other keys' tasks a task waits: 1 to FairnessBuckets, 0 for tasks without a fairness key.
func (p *Priority) Bucket() int {
	if p == nil || p.FairnessKey == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, p.FairnessKey) // a hash takes everything
	return int(h.Sum64()%FairnessBuckets) + 1
}

// Bounds of the weights that have an effect.
const (
	MinWeight = 0.001
	MaxWeight = 1000
)

// Weight is the share of the task's group beside those of others.
func (p *Priority) Weight() float64 {
	if p == nil || p.FairnessWeight == 0 {
		return 1
	}
	return min(max(p.FairnessWeight, MinWeight), MaxWeight)
}
