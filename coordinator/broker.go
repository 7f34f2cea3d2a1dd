package coordinator

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Broker is what a coordinator needs of the streams. streams.Namespace and the in-memory model implement it; all methods are safe for concurrent use, block until a definite answer or the context's end, and
// wrap the errors of package streams.
type Broker interface {
	Histories
	Starts
	Inboxes
	Tasks
	Lanes
	streams.Answerer
	// Name is the namespace's name.
	Name() string
	// Epoch changes when the connection was lost in between: what was read before has to be compared with the leader.
	Epoch() uint64
}

// Histories stores and reads the records of runs.
type Histories interface {
	Append(ctx context.Context, run history.Run, data []byte, info streams.RecordInfo, expected uint64) (uint64, error)
	Tail(ctx context.Context, run history.Run) (*streams.Record, error)
	Load(ctx context.Context, run history.Run, after uint64) (*streams.Loaded, error)
	PutBody(ctx context.Context, run history.Run, commitID string, data []byte) (*history.BodyRef, error)
	GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) ([]byte, error)
}

// Starts finds start messages; starting runs is streams.StartRun's.
type Starts interface {
	streams.Starter
	StartAt(ctx context.Context, workflowID string, seq uint64) (*streams.StoredStart, error)
}

// Inboxes sends to and reads from the inboxes of runs.
type Inboxes interface {
	Send(ctx context.Context, to history.Address, m *history.Message) error
	ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) ([]streams.Waiting, error)
	ReadInboxAfter(ctx context.Context, run history.Address, source history.Source, after uint64, limit int) ([]streams.Waiting, error)
	InboxEmpty(ctx context.Context, run history.Address, sources []history.Source) (bool, error)
	ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error
	PutDeadLetter(ctx context.Context, d streams.DeadLetter) error
}

// Tasks publishes and withdraws activity tasks and knows what became of them.
type Tasks interface {
	PublishTask(ctx context.Context, ref streams.TaskRef, data []byte) (stored bool, err error)
	WithdrawTask(ctx context.Context, ref streams.TaskRef) error
	FindTask(ctx context.Context, ref streams.TaskRef) (*streams.QueuedTask, error)
	RemoveTask(ctx context.Context, ref streams.TaskRef, seq uint64) error
	RequestCancel(ctx context.Context, run history.Run, activity int64) error
	PutControl(ctx context.Context, run history.Run, activity, event int64) error
	Started(ctx context.Context, run history.Run, activity int64) (bool, error)
	Beats
}

// Beats reads and writes the heartbeat records of activities; activity 0 is the run itself, whose record is its
// history.Trouble.
type Beats interface {
	GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error)
	PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error)
	PutNote(ctx context.Context, run history.Run, data []byte) error
	DeleteBeats(ctx context.Context, run history.Run, activity int64) error
}

// Lanes delivers what waits for runs.
type Lanes interface {
	Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error)
	ServeQueries(queue, build string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error)
}
