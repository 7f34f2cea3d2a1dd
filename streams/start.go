package streams

import (
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// StartInfo is what a start's headers repeat of its body, for readers that do not decode it.
type StartInfo struct {
	// Type is the workflow's type.
	Type string
}

// StoredStart is a start as HISTORY holds it.
type StoredStart struct {
	Run history.Address
	StartInfo
	// Seq is its sequence in the partition's HISTORY stream.
	Seq uint64
	// Checked says whether it was published on the condition that its workflow ID's last start was the one at sequence
	// Expected (0: none). A start that was not may exist beside another open run and must not be executed.
	Checked  bool
	Expected uint64
	Data     []byte
	// Time is when the broker stored it.
	Time time.Time
}

// StartFilter selects starts; its zero value selects all.
type StartFilter struct {
	WorkflowID string
	Queue      string
}
