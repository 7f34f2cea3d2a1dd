package streams

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// Lane is one kind of message that consumers deliver.
type Lane int

// The lanes. Starts and inbox messages are for coordinators, tasks for workers.
const (
	LaneStarts Lane = iota + 1
	LaneInbox
	LaneTasks
)

// String is the lane's name in errors, and the beginning of its consumers' names.
func (l Lane) String() string {
	switch l {
	case LaneStarts:
		return "starts"
	case LaneInbox:
		return "inbox"
	case LaneTasks:
		return "tasks"
	}
	return "unknown lane"
}

// kind is what the subjects of the lane's messages are for.
func (l Lane) kind() subjectKind {
	switch l {
	case LaneStarts:
		return kindStart
	case LaneInbox:
		return kindInbox
	case LaneTasks:
		return kindTask
	}
	return ""
}

// Delivery is one delivered message. Whoever gets it must end it by Ack, AckSync or Nak, and call InProgress or KeepAlive
// well within AckWait until then; otherwise the broker delivers it again, to anyone. The fields must not be changed.
type Delivery struct {
	Lane Lane
	// Run is the run that the message is for. Its Queue and Build are those of Delivery, except for tasks, which do
	// not say them.
	Run history.Address
	// Queue is the queue that the message waited in: for tasks, the activity's own.
	Queue string
	Build string
	// Class is set for tasks with a priority, Bucket for tasks with a fairness key. See TaskLane.
	Class, Bucket int32
	// Source is set for inbox messages, Activity (the event that scheduled it) for tasks.
	Source   history.Source
	Activity int64

	// Epoch is that of the Namespace when the delivery came, 0 when that is not known: soon after the connection was lost.
	Epoch     uint64
	Partition int
	// Seq is the sequence in the stream: HISTORY for starts, INBOX or TASKS.
	Seq uint64
	// Deliveries counts how often the message was delivered by this consumer, from 1.
	Deliveries int
	// Published is when the broker stored the message.
	Published time.Time
	// Pending is an estimate of how many more messages wait behind this one in its partition.
	Pending uint64
	Data    []byte

	// Checked and Expected are those of a start; see StoredStart.
	Checked  bool
	Expected uint64

	Acker
}

// TaskLane is the lane of a task.
func (d *Delivery) TaskLane() TaskLane {
	return TaskLane{Build: d.Build, Class: int(d.Class), Bucket: int(d.Bucket)}
}

// Acker ends or prolongs a delivery. The unconfirmed calls return as soon as the connection has taken the message. All
// errors are ErrUnavailable.
type Acker interface {
	// Ack removes the message from the lane, unconfirmed: it may be delivered again all the same.
	Ack(ctx context.Context) error
	// AckSync removes the message and returns when the broker has confirmed it, or gives up after 5 s: like all that
	// is delivered, the message may then come again.
	AckSync(ctx context.Context) error
	// Nak hands the message back, unconfirmed, to be delivered again after a delay (0: at once).
	Nak(delay time.Duration) error
	// InProgress restarts the delivery's AckWait and returns when the broker has confirmed it, in one attempt: an
	// error means that no confirmation arrived before ctx ended. A confirmation does not prove that the message
	// was not delivered to someone else before.
	InProgress(ctx context.Context) error
	// KeepAlive is InProgress, unconfirmed.
	KeepAlive() error
}
