package streams

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

type subjects struct{}

var errUnwritten = errors.New("not written yet")

// CreateOptions describe a namespace to create.
type CreateOptions struct {
	// Partitions is fixed for ever; 0 means 1 for a new namespace and "as it is" for an existing one.
	Partitions int
	// Replicas is the number of servers that store each stream; 0 means 3 in a cluster that has as many, else 1.
	Replicas int
}

// Plan is what Apply would do to make a namespace complete.
type Plan struct {
	Namespace  string
	Partitions int
	Replicas   int
	// Changes are in the order in which Apply makes them.
	Changes []Change
}

// Change is one line of a plan: an object that is missing, or one that differs.
type Change struct {
	// Object is "stream NAME" or "namespace NAME".
	Object string
	// Create says that the object is missing and that Apply creates it. Otherwise it exists and differs, and Apply
	// refuses.
	Create bool
	// Detail says in words what is created.
	Detail      string
	Differences []Difference
}

// PlanNamespace compares what the broker has with what the namespace needs. It changes nothing.
func PlanNamespace(ctx context.Context, nc *nats.Conn, name string, o CreateOptions) (*Plan, error) {
	return nil, errUnwritten
}

// Conflicts are the changes that Apply refuses to make: objects that exist and differ.
func (p *Plan) Conflicts() []Change { return nil }

// Apply creates what is missing. It refuses, with a ConfigurationError and without changing anything, when anything
// differs. It never updates and never deletes. Several processes may apply equal plans at the same time.
func (p *Plan) Apply(ctx context.Context) error { return errUnwritten }

// NamespaceInfo is a line of the registry of namespaces.
type NamespaceInfo struct {
	Name       string
	Partitions int
	Created    time.Time
}

// Namespaces lists the namespaces of the broker by name.
func Namespaces(ctx context.Context, nc *nats.Conn) ([]NamespaceInfo, error) {
	return nil, errUnwritten
}

// Open reads the namespace's registry entry and compares its streams with what they must be. It returns
// ErrNamespaceNotFound for a namespace that was not created, and a ConfigurationError for one whose streams are missing or differ.
// nc must stay open as long as the Namespace is used.
func Open(ctx context.Context, nc *nats.Conn, name string) (*Namespace, error) {
	return nil, errUnwritten
}

// Profile asks the broker what an acknowledged write survives.
func (n *Namespace) Profile(ctx context.Context) (Profile, error) { return Profile{}, errUnwritten }

// PublishStart stores the start of a run, on the condition that the last start of its workflow ID is the one at
// sequence expected (0: there is none). ErrConflict means that it is not; a start of the same run that is stored already, by
// an earlier try, is success.
func (n *Namespace) PublishStart(ctx context.Context, run history.Address, data []byte, info StartInfo, expected uint64) (seq uint64, err error) {
	return 0, errUnwritten
}

// LastStart is the newest start of a workflow ID, or ErrNotFound.
func (n *Namespace) LastStart(ctx context.Context, workflowID string) (*StoredStart, error) {
	return nil, errUnwritten
}

// FindStart is the start of exactly this run, or ErrNotFound.
func (n *Namespace) FindStart(ctx context.Context, run history.Run) (*StoredStart, error) {
	return nil, errUnwritten
}

// StartAt is the start of a workflow ID at a sequence of its partition, or ErrNotFound.
func (n *Namespace) StartAt(ctx context.Context, workflowID string, seq uint64) (*StoredStart, error) {
	return nil, errUnwritten
}

// ListStarts yields starts, newest first. It reads as far as the caller goes on; an error ends it.
func (n *Namespace) ListStarts(ctx context.Context, f StartFilter) iter.Seq2[*StoredStart, error] {
	return nil
}

// Append stores a record of a run, on the condition that the last message of its lane is the one at sequence expected
// (0: the lane is empty). data is an encoded history.Transition with the run, number and commit ID of info. The outcome
// is definite: nil when the record is stored, ErrConflict when it is not. ErrUnavailable means that there was no answer.
func (n *Namespace) Append(ctx context.Context, run history.Run, data []byte, info RecordInfo, expected uint64) (seq uint64, err error) {
	return 0, errUnwritten
}

// Tail is the last message of a run's lane as the stream's leader has it, or ErrNotFound for an empty lane. It may be
// junk.
func (n *Namespace) Tail(ctx context.Context, run history.Run) (*Record, error) {
	return nil, errUnwritten
}

// Load reads the records of a run whose number is higher than after. It costs one read per record of the run, however
// many other messages lie between them. An empty lane is no error.
func (n *Namespace) Load(ctx context.Context, run history.Run, after uint64) (*Loaded, error) {
	return nil, errUnwritten
}

// PutBody stores the separate body of an oversized record, in pieces, and returns the reference that the record
// carries. It comes before the record.
func (n *Namespace) PutBody(ctx context.Context, run history.Run, commitID string, data []byte) (*history.BodyRef, error) {
	return nil, errUnwritten
}

// GetBody reads a separate body and verifies its hash. ErrNotFound means that a piece is missing.
func (n *Namespace) GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) ([]byte, error) {
	return nil, errUnwritten
}

// Claim makes claimer the only holder of an activity, for ever, unless someone holds it already, and returns who holds
// it.
func (n *Namespace) Claim(ctx context.Context, run history.Run, activity int64, claimer string) (holder string, err error) {
	return "", errUnwritten
}

// Send stores a message in a run's inbox. nil means that it is durable; the run need not exist. A message of the same
// identity may be stored twice: the run consumes one.
func (n *Namespace) Send(ctx context.Context, to history.Address, m *history.Message) error {
	return errUnwritten
}

// Waiting is a message that waits in a run's inbox, delivered to someone or not.
type Waiting struct {
	// Seq is the sequence in the partition's INBOX stream.
	Seq    uint64
	Source history.Source
	Data   []byte
	// Time is when the broker stored it.
	Time time.Time
}

// ReadInbox reads what waits in a run's inbox, in the order of sending: of one source, or of all when source is empty;
// at most limit messages, 0 for all. It consumes nothing.
func (n *Namespace) ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) ([]Waiting, error) {
	return nil, errUnwritten
}

// ArmWakeUp makes sure that a wake-up message reaches the run's inbox at due or earlier, but not before what is armed
// is due. A wake-up that is armed for an earlier time stays as it is: when it fires, the next one is armed.
func (n *Namespace) ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error {
	return errUnwritten
}

// ArmedWakeUp is the time that the run's wake-up is armed for, or ErrNotFound when none is armed.
func (n *Namespace) ArmedWakeUp(ctx context.Context, run history.Run) (time.Time, error) {
	return time.Time{}, errUnwritten
}

// TaskRef names the task of an activity: its run, its own task queue and the event that scheduled it.
type TaskRef struct {
	Run      history.Run
	Queue    string
	Activity int64
}

// PublishTask queues a task. stored is false when the activity has a task already: queued, running or backing off.
func (n *Namespace) PublishTask(ctx context.Context, ref TaskRef, data []byte) (stored bool, err error) {
	return false, errUnwritten
}

// WithdrawTask removes a task, in whatever state it is. A worker that runs it is not told. No task is no error.
func (n *Namespace) WithdrawTask(ctx context.Context, ref TaskRef) error { return errUnwritten }

// TaskQueued says whether the activity has a task: queued, running or backing off.
func (n *Namespace) TaskQueued(ctx context.Context, ref TaskRef) (bool, error) {
	return false, errUnwritten
}

// PutBeat replaces the heartbeat of an activity.
func (n *Namespace) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte) error {
	return errUnwritten
}

// GetBeat is the last heartbeat of an activity, or ErrNotFound.
func (n *Namespace) GetBeat(ctx context.Context, run history.Run, activity int64) ([]byte, error) {
	return nil, errUnwritten
}

// DeleteBeats removes the heartbeat, the cancel request and the start marker of an activity, if there are any.
func (n *Namespace) DeleteBeats(ctx context.Context, run history.Run, activity int64) error {
	return errUnwritten
}

// RequestCancel tells whoever runs the activity, now or later, to cancel it.
func (n *Namespace) RequestCancel(ctx context.Context, run history.Run, activity int64) error {
	return errUnwritten
}

// CancelRequested says whether RequestCancel was called.
func (n *Namespace) CancelRequested(ctx context.Context, run history.Run, activity int64) (bool, error) {
	return false, errUnwritten
}

// MarkStarted notes that an attempt of the activity has started.
func (n *Namespace) MarkStarted(ctx context.Context, run history.Run, activity int64) error {
	return errUnwritten
}

// Started says whether MarkStarted was called.
func (n *Namespace) Started(ctx context.Context, run history.Run, activity int64) (bool, error) {
	return false, errUnwritten
}

// Consume opens a lane of a queue. Build is empty except for coordinators of pinned runs. The durable consumers are
// created when absent and compared when present; a ConfigurationError says what differs.
func (n *Namespace) Consume(ctx context.Context, lane Lane, queue, build string, o ConsumeOptions) (Consumer, error) {
	return nil, errUnwritten
}

// Follow delivers the records of a run with a number higher than after, those that exist and those to come.
func (n *Namespace) Follow(ctx context.Context, run history.Run, after uint64) (Follower, error) {
	return nil, errUnwritten
}

// ServeQueries answers queries for the runs of a queue, together with everyone else who does: each query reaches one.
// handle is called concurrently, in a goroutine of its own, with a context that stop cancels. stop returns when all calls of
// handle have returned. Several calls of stop are allowed.
func (n *Namespace) ServeQueries(queue, build string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error) {
	return nil, errUnwritten
}

// Query asks whoever serves the queries of a queue and returns the answer. ErrUnavailable means that nobody serves it,
// or that no answer came before ctx ended.
func (n *Namespace) Query(ctx context.Context, queue, build string, data []byte) ([]byte, error) {
	return nil, errUnwritten
}

// DeadLetter is a message that could not be used, with the reason.
type DeadLetter struct {
	// ID makes PutDeadLetter idempotent: one letter is kept for each.
	ID     string
	Reason string
	// Subject is where the message was published.
	Subject string
	// Run is the run that it was for, as far as is known.
	Run     history.Run
	Headers map[string][]string
	Data    []byte
	// Truncated says that Data is not all of it: there was no room.
	Truncated bool

	// Time and Seq are set on reading: when the letter was stored, and its sequence.
	Time time.Time
	Seq  uint64
}

// PutDeadLetter keeps a message that could not be used, for 7 days at most.
func (n *Namespace) PutDeadLetter(ctx context.Context, d DeadLetter) error { return errUnwritten }

// DeadLetters yields dead letters, newest first, at most limit of them (0: all). An error ends it.
func (n *Namespace) DeadLetters(ctx context.Context, limit int) iter.Seq2[DeadLetter, error] {
	return nil
}

// IntakeMessage is a request from outside, in whatever form its sender gave it: a verb, a name and an ID from the
// subject, headers and a body. Nothing about it is trusted.
type IntakeMessage struct {
	// Verb is "start" or "signal"; any other text is possible. Name is the workflow type or the signal's name, ID the
	// workflow ID; both may be empty.
	Verb, Name, ID string
	Subject        string
	Headers        map[string][]string
	Data           []byte
	// Key identifies the message among all that were ever sent to this namespace, and is the same on each delivery.
	Key        string
	Published  time.Time
	Deliveries int

	// Acker is nil for a message that came by ServeIntake.
	Acker
}

// IntakeConsumer delivers what was published to the intake subjects.
type IntakeConsumer interface {
	// Pull is that of Consumer.
	Pull(ctx context.Context, max int) ([]*IntakeMessage, error)
	// Close is that of Consumer.
	Close() error
}

// Intake opens the intake: plain publishes, which wait in the INTAKE stream until someone acknowledges them.
func (n *Namespace) Intake(ctx context.Context) (IntakeConsumer, error) { return nil, errUnwritten }

// ServeIntake answers intake requests, which wait for a reply and are not stored. handle and stop are those of
// ServeQueries.
func (n *Namespace) ServeIntake(handle func(ctx context.Context, m *IntakeMessage) []byte) (stop func(), err error) {
	return nil, errUnwritten
}
