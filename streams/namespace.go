package streams

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// Namespace is an open namespace: everything that can be done to its runs. Its methods are safe for concurrent use,
// do not wait for each other and block no longer than their context, or a minute, whichever ends first.
type Namespace struct {
	broker
	name       string
	created    time.Time
	limits     Limits
	partitions []partition
	durability Durability
	losses     losses
	// passedStarts and passedLanes are by workflow ID and by run.
	passedStarts passed[string, passedStarts]
	passedLanes  passed[history.Run, passedLane]

	// instance and messages make IDs that nobody else makes.
	instance string
	messages atomic.Uint64
}

// partition is where a part of a namespace's runs live.
type partition struct {
	partitionSubjects
	streamNames
	// records and messages remember the ends of HISTORY and INBOX.
	records, messages *witness
	// group shares flushes to disk among the writes to HISTORY, nil where that does not pay.
	group *group
	// looks shares looks into INBOX, and keyLooks into HEARTBEATS; nil where direct reads may come from a server that lags
	// behind.
	looks, keyLooks *looks
	marks           *marks
}

// Name is the namespace's name.
func (n *Namespace) Name() string { return n.name }

// Epoch changes whenever the connection is lost, before anything arrives by the one that takes its place. A server that
// lost the end of its streams has done so in between, and may give out the same sequences again: what was read in an
// earlier epoch has to be compared by commit ID before it is relied on.
func (n *Namespace) Epoch() uint64 { return n.link.current().epoch }

// messageID is a text that was never used before, by anyone.
func (n *Namespace) messageID() string {
	return n.instance + "." + strconv.FormatUint(n.messages.Add(1), 36)
}

// Partitions is the number of partitions, fixed when the namespace was created.
func (n *Namespace) Partitions() int { return len(n.partitions) }

// Created is when the namespace was created.
func (n *Namespace) Created() time.Time { return n.created }

// Partition is the partition, from 0, in which the runs of a workflow ID live.
func (n *Namespace) Partition(workflowID string) int {
	return PartitionOf(workflowID, len(n.partitions))
}

// at is the partition of a workflow ID.
func (n *Namespace) at(workflowID string) *partition { return &n.partitions[n.Partition(workflowID)] }

// checkSize refuses a body before it is published.
func (n *Namespace) checkSize(what string, data []byte) error {
	if len(data) > n.limits.MaxRecord {
		return fmt.Errorf("%s of %d bytes is %w: the limit is %d bytes", what, len(data), ErrTooLarge, n.limits.MaxRecord)
	}
	return nil
}

// PartitionOf is the partition of a workflow ID among n: its 64-bit FNV-1a hash modulo n.
func PartitionOf(workflowID string, n int) int {
	if n <= 1 {
		return 0
	}
	const offset, prime = 0xcbf29ce484222325, 0x100000001b3
	h := uint64(offset)
	for i := range len(workflowID) {
		h = (h ^ uint64(workflowID[i])) * prime
	}
	return int(h % uint64(n))
}
