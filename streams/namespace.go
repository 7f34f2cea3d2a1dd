package streams

import (
	"hash/fnv"
	"time"

	"github.com/nats-io/nats.go"
)

// Namespace is an open namespace: everything that can be done to its runs. Its methods are safe for concurrent use,
// do not wait for each other and block no longer than their context, or a minute, whichever ends first.
type Namespace struct {
	nc         *nats.Conn
	name       string
	partitions int
	created    time.Time
	limits     Limits
	subjects   []subjects // by partition
}

// Name is the namespace's name.
func (n *Namespace) Name() string { return n.name }

// Partitions is the number of partitions, fixed when the namespace was created.
func (n *Namespace) Partitions() int { return n.partitions }

// Created is when the namespace was created.
func (n *Namespace) Created() time.Time { return n.created }

// Partition is the partition, from 0, in which the runs of a workflow ID live.
func (n *Namespace) Partition(workflowID string) int { return PartitionOf(workflowID, n.partitions) }

// Limits says how large messages can be. It follows from the broker's largest payload at the time of Open.
func (n *Namespace) Limits() Limits { return n.limits }

// Limits are sizes in bytes.
type Limits struct {
	// MaxRecord is the largest body of a start, record, task, inbox message or piece of a separate body.
	MaxRecord int
	// MaxPayload is the largest input or result that fits a message together with what else the message says.
	MaxPayload int
}

// Room for what goes around a body (headers, protocol line) and around a payload (names, times, failure details).
const (
	headerRoom   = 16 << 10
	envelopeRoom = 16 << 10
)

// LimitsOf are the limits that follow from the largest payload that the broker accepts.
func LimitsOf(brokerPayload int64) Limits {
	record := int(brokerPayload) - headerRoom
	return Limits{MaxRecord: max(record, 0), MaxPayload: max(record-envelopeRoom, 0)}
}

// PartitionOf is the partition of a workflow ID among n: its 64-bit FNV-1a hash modulo n.
func PartitionOf(workflowID string, n int) int {
	if n <= 1 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(workflowID))
	return int(h.Sum64() % uint64(n))
}

// Profile says what an acknowledged write survives.
type Profile struct {
	// Name is "replicated" for streams on three or more servers and "single server" otherwise. Whether a single server
	// is of the "durable" or of the "development" profile (sync_interval: always, or not) is not visible to clients.
	Name string
	// Replicas is the smallest number of servers that one of the namespace's streams is stored on.
	Replicas int
	// Survives says in words what an acknowledged write survives.
	Survives string
}
