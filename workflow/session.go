package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
)

var (
	// ErrSessionFailed is the error of an activity that is called with the context of a session that has failed: its worker
	// is lost, or its time is over.
	ErrSessionFailed = errors.New("session has failed")

	errSessionAlreadyOpen = errors.New("found existing open session in the context")
)

// SessionState is where a session is in its life.
type SessionState int

// Temporal has variables for these, so that code may take their addresses. They must not be changed.
var (
	// SessionStateOpen is the state of a session whose worker runs its activities.
	SessionStateOpen = SessionState(0)
	// SessionStateFailed is that of one whose worker is lost, or whose time was over.
	SessionStateFailed = SessionState(1)
	// SessionStateClosed is that of one that was completed.
	SessionStateClosed = SessionState(2)
)

// SessionInfo describes a session.
type SessionInfo struct {
	// SessionID is unique.
	SessionID string
	// HostName is where the session's worker runs.
	HostName     string
	SessionState SessionState

	queue  string
	cancel CancelFunc
	// release ends the activity that holds the session on its worker, cancel the session's context.
	release CancelFunc
}

// GetRecreateToken returns what RecreateSession needs to make another session on the same worker.
func (s *SessionInfo) GetRecreateToken() []byte {
	token, err := json.Marshal(recreateToken{Queue: s.queue})
	if err != nil {
		panic(fmt.Sprintf("workflow: recreate token of session %s: %v", s.SessionID, err)) // a string always encodes
	}
	return token
}

type recreateToken struct {
	Queue string `json:"taskQueue"`
}

// SessionOptions are the options of CreateSession. ExecutionTimeout and CreationTimeout must be set.
type SessionOptions struct {
	// ExecutionTimeout bounds the session: it fails when it is over.
	ExecutionTimeout time.Duration
	// CreationTimeout bounds the wait for a worker that has room for the session.
	CreationTimeout time.Duration
	// HeartbeatTimeout is after how long a session fails whose worker hangs. 0 means 20 s. That a worker is lost is noticed
	// after worker.Options.WorkerLossTimeout, by another worker with EnableSessionWorker on the same task queue.
	HeartbeatTimeout time.Duration
}

const defaultSessionHeartbeat = 20 * time.Second

// These names belong to what workers with EnableSessionWorker run, and what test environments stand in for.
const (
	// SessionCreationActivity is the type of the activity that holds a session on its worker. Its argument is the session ID,
	// and it answers at once by a signal of that name with a SessionOpened.
	SessionCreationActivity = "internalSessionCreationActivity"
	// SessionCompletionActivity is the type of the one that ends it, on the session's own queue. Its argument is the ID.
	SessionCompletionActivity = "internalSessionCompletionActivity"

	sessionCreationSuffix = "__internal_session_creation"
)

// SessionCreationQueue is the task queue on which the session workers of another are asked for sessions.
func SessionCreationQueue(queue string) string { return queue + sessionCreationSuffix }

// SessionOpened is what a session's worker tells of itself.
type SessionOpened struct {
	// TaskQueue is served by that worker alone.
	TaskQueue string
	HostName  string
}

type sessionKey struct{}

// GetSessionInfo returns the session of ctx, nil for none.
func GetSessionInfo(ctx Context) *SessionInfo {
	s, _ := ctx.Value(sessionKey{}).(*SessionInfo)
	return s
}

// CreateSession returns a context whose activities all run on one worker, which must have EnableSessionWorker and serve the
// task queue of the context's activities. It blocks until a worker has taken the session. The session's context is canceled
// when the session fails; activities called with it fail with ErrSessionFailed from then on, and others may be run in a new
// session. End the session by CompleteSession.
func CreateSession(ctx Context, sessionOptions *SessionOptions) (Context, error) {
	return runOf(ctx).createSession(ctx, SessionCreationQueue(GetActivityOptions(ctx).TaskQueue), sessionOptions)
}

// RecreateSession is CreateSession on the worker of an earlier session, whose token is given: what that left behind there
// can be used.
func RecreateSession(ctx Context, recreateToken []byte, sessionOptions *SessionOptions) (Context, error) {
	queue, err := queueOfToken(recreateToken)
	if err != nil {
		return nil, err
	}
	return runOf(ctx).createSession(ctx, queue, sessionOptions)
}

func queueOfToken(data []byte) (string, error) {
	var token recreateToken
	if err := json.Unmarshal(data, &token); err != nil || token.Queue == "" {
		return "", errors.Join(errors.New("recreate session: the token does not come from SessionInfo.GetRecreateToken"), err)
	}
	return token.Queue, nil
}

func (o *SessionOptions) validate() error {
	switch {
	case o == nil:
		return errors.New("session options are nil: ExecutionTimeout and CreationTimeout must be set")
	case o.ExecutionTimeout <= 0:
		return fmt.Errorf("session options: ExecutionTimeout is %v, must be above 0", o.ExecutionTimeout)
	case o.CreationTimeout <= 0:
		return fmt.Errorf("session options: CreationTimeout is %v, must be above 0", o.CreationTimeout)
	case o.HeartbeatTimeout < 0:
		return fmt.Errorf("session options: HeartbeatTimeout is %v, must not be below 0", o.HeartbeatTimeout)
	}
	return nil
}

func (r *run) createSession(ctx Context, queue string, o *SessionOptions) (Context, error) {
	r.guard("CreateSession")
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("create session: %w", err)
	}
	if s := GetSessionInfo(ctx); s != nil && s.SessionState == SessionStateOpen {
		return nil, fmt.Errorf("create session: %w", errSessionAlreadyOpen)
	}
	r.sessions++
	s := &SessionInfo{SessionID: fmt.Sprintf("%s_session_%d", r.start().Run.RunID, r.sessions)}
	heartbeat := o.HeartbeatTimeout
	if heartbeat == 0 {
		heartbeat = defaultSessionHeartbeat
	}
	holdCtx, release := WithCancel(WithValue(ctx, sessionKey{}, (*SessionInfo)(nil)))
	held := ExecuteActivity(WithActivityOptions(holdCtx, ActivityOptions{
		TaskQueue:              queue,
		ScheduleToStartTimeout: o.CreationTimeout,
		StartToCloseTimeout:    o.ExecutionTimeout,
		HeartbeatTimeout:       heartbeat,
		RetryPolicy:            &millrace.RetryPolicy{MaximumAttempts: 1},
	}), SessionCreationActivity, s.SessionID)
	var opened SessionOpened
	var failed error
	NewSelector(ctx).
		AddReceive(GetSignalChannel(ctx, s.SessionID), func(c ReceiveChannel, _ bool) { c.Receive(ctx, &opened) }).
		AddFuture(held, func(f Future) {
			if failed = f.Get(ctx, nil); failed == nil {
				failed = errors.New("the worker ended it at once")
			}
		}).
		Select(ctx)
	if failed != nil {
		release()
		return nil, fmt.Errorf("create session: %w", failed)
	}
	sessionCtx, cancel := WithCancel(ctx)
	s.HostName, s.queue, s.cancel, s.release = opened.HostName, opened.TaskQueue, cancel, release
	r.sessionsMade = append(slices.DeleteFunc(r.sessionsMade, func(s *SessionInfo) bool { return s.SessionState != SessionStateOpen }), s)
	GoNamed(holdCtx, "session", func(ctx Context) { s.watch(held) })
	return WithValue(sessionCtx, sessionKey{}, s), nil
}

// watch fails the session when its worker no longer holds it.
func (s *SessionInfo) watch(held Future) {
	_ = held.Get(nil, nil) // however it ended: who is still open then has failed
	if s.SessionState == SessionStateOpen {
		s.SessionState = SessionStateFailed
		s.cancel()
	}
}

// completionTimeout bounds the end of a session on its worker.
const completionTimeout = 10 * time.Second

// CompleteSession ends the session of ctx and gives its worker free. It does nothing when there is none that is open. Call
// it also after a failure; a run that closes without it holds its worker's place until ExecutionTimeout.
func CompleteSession(ctx Context) {
	r := runOf(ctx)
	r.guard("CompleteSession")
	s := GetSessionInfo(ctx)
	if s == nil || s.SessionState != SessionStateOpen {
		return
	}
	endCtx, done := NewDisconnectedContext(WithValue(ctx, sessionKey{}, (*SessionInfo)(nil)))
	defer done()
	s.SessionState = SessionStateClosed
	err := ExecuteActivity(WithActivityOptions(endCtx, ActivityOptions{
		TaskQueue:              s.queue,
		ScheduleToCloseTimeout: completionTimeout,
	}), SessionCompletionActivity, s.SessionID).Get(endCtx, nil)
	if err != nil {
		GetLogger(ctx).Warn("session could not be ended on its worker, which may be lost", "SessionID", s.SessionID, "error", err)
	}
	s.release()
	s.cancel()
}

// inSession are the options of an activity that is called with the context of a session.
func (s *SessionInfo) inSession(o *ActivityOptions) (*ActivityOptions, error) {
	if s.SessionState == SessionStateFailed {
		return nil, ErrSessionFailed
	}
	if s.SessionState != SessionStateOpen || o == nil {
		return o, nil
	}
	bound := *o
	bound.TaskQueue = s.queue
	return &bound, nil
}
