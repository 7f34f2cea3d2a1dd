package worker

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// broker is what the activity side needs of the streams. streams.Namespace and the in-memory model implement its parts.
// All methods are safe for concurrent use, block until a definite answer or the context's end, and wrap the errors of
// package streams.
type broker interface {
	inboxes
	records
	beats
	reports
	tasks
}

// inboxes takes what activities report.
type inboxes interface {
	Send(ctx context.Context, to history.Address, m *history.Message) error
	ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) ([]streams.Waiting, error)
	PutDeadLetter(ctx context.Context, d streams.DeadLetter) error
}

// records tells what became of runs.
type records interface {
	FindStart(ctx context.Context, run history.Run) (*streams.StoredStart, error)
	Load(ctx context.Context, run history.Run, after uint64) (*streams.Loaded, error)
	GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) ([]byte, error)
	Claim(ctx context.Context, run history.Run, activity int64, claimer string) (holder string, err error)
}

// beats keeps what attempts leave to each other, and what the workflow asks of them.
type beats interface {
	GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error)
	PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error)
	DeleteBeats(ctx context.Context, run history.Run, activity int64) error
	Asked(ctx context.Context, run history.Run, activity int64) (streams.Asked, error)
	NothingAsked(ctx context.Context, workflowID string, published time.Time, age time.Duration) bool
	MarkStarted(ctx context.Context, run history.Run, activity int64) error
}

// reports keeps what those say who complete activities from outside.
type reports interface {
	ReportedFailure(ctx context.Context, run history.Run, activity int64) ([]byte, error)
}

// tasks delivers the tasks of a queue.
type tasks interface {
	Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (source, error)
	Started(ctx context.Context, run history.Run, activity int64) (bool, error)
}

// source is a task queue as it is consumed. Drain ends it and returns what Pull has not returned.
type source interface {
	Pull(ctx context.Context, max int) ([]*streams.Delivery, error)
	Drain() []*streams.Delivery
}

// onStreams is a namespace's streams as a broker.
type onStreams struct{ *streams.Namespace }

// Consume narrows the consumer to what a worker uses of it.
func (b onStreams) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (source, error) {
	return b.Namespace.Consume(ctx, lane, queue, build, o)
}
