package streamstest

import (
	"context"
	"iter"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Broker is what coordinators, workers and clients use of a namespace. *streams.Namespace and *Model implement it.
type Broker interface {
	Name() string
	Epoch() uint64
	Partitions() int
	Partition(workflowID string) int
	Limits() streams.Limits

	streams.Starter
	StartAt(ctx context.Context, workflowID string, seq uint64) (*streams.StoredStart, error)
	ListStarts(ctx context.Context, f streams.StartFilter) iter.Seq2[*streams.StoredStart, error]

	Append(ctx context.Context, run history.Run, data []byte, info streams.RecordInfo, expected uint64) (seq uint64, err error)
	PutBody(ctx context.Context, run history.Run, commitID string, data []byte) (*history.BodyRef, error)
	Claim(ctx context.Context, run history.Run, activity int64, claimer string) (holder string, err error)
	Follow(ctx context.Context, run history.Run, after uint64) (streams.Follower, error)
	streams.Notifier
	streams.Answerer
	ListenClosed(waiter string, handle func(runID string, record []byte), ended func()) (stop func(), err error)

	ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) ([]streams.Waiting, error)
	ReadInboxAfter(ctx context.Context, run history.Address, source history.Source, after uint64, limit int) ([]streams.Waiting, error)
	InboxEmpty(ctx context.Context, run history.Address, sources []history.Source) (bool, error)
	ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error
	ArmedWakeUp(ctx context.Context, run history.Run) (time.Time, error)

	PublishTask(ctx context.Context, ref streams.TaskRef, data []byte) (stored bool, err error)
	WithdrawTask(ctx context.Context, ref streams.TaskRef) error
	TaskQueued(ctx context.Context, ref streams.TaskRef) (bool, error)
	FindTask(ctx context.Context, ref streams.TaskRef) (*streams.QueuedTask, error)
	RemoveTask(ctx context.Context, ref streams.TaskRef, seq uint64) error

	PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error)
	GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error)
	PutNote(ctx context.Context, run history.Run, data []byte) error
	DeleteBeats(ctx context.Context, run history.Run, activity int64) error
	RequestCancel(ctx context.Context, run history.Run, activity int64) error
	CancelRequested(ctx context.Context, run history.Run, activity int64) (bool, error)
	PutControl(ctx context.Context, run history.Run, activity, event int64) error
	Asked(ctx context.Context, run history.Run, activity int64) (streams.Asked, error)
	NothingAsked(ctx context.Context, workflowID string, published time.Time, age time.Duration) bool
	MarkStarted(ctx context.Context, run history.Run, activity int64) error
	Started(ctx context.Context, run history.Run, activity int64) (bool, error)
	ReportFailure(ctx context.Context, run history.Run, activity int64, data []byte) error
	ReportedFailure(ctx context.Context, run history.Run, activity int64) ([]byte, error)

	Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error)
	ServeQueries(queue, build string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error)
	Query(ctx context.Context, queue, build string, data []byte) ([]byte, error)

	PutDeadLetter(ctx context.Context, d streams.DeadLetter) error
	DeadLetters(ctx context.Context, limit int) iter.Seq2[streams.DeadLetter, error]
}

// Intruder does what others than Millrace may do to a namespace's streams.
type Intruder interface {
	// InjectJunk publishes something to a run's lane that is not a record.
	InjectJunk(run history.Run, data []byte) error
	// InjectStart publishes a start without the condition that makes it exact.
	InjectStart(run history.Address, data []byte) error
	// DeleteConsumers deletes the durable consumers of a queue.
	DeleteConsumers(queue string) error
}

// Subject is what the conformance suite is run against.
type Subject interface {
	Broker
	Intruder
}
