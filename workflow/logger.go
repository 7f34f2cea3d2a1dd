package workflow

import (
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
)

// GetLogger returns the workflow's logger. It adds namespace, task queue, workflow type, workflow ID, run ID and attempt
// to every message, and is silent while the code only repeats what its history records.
func GetLogger(ctx Context) log.Logger {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetLogger(ctx)
	}
	return r.log()
}

// log is the run's logger. Most runs log nothing.
func (r *run) log() log.Logger {
	if r.logger == nil {
		r.logger = newLogger(r.env, r.def)
	}
	return r.logger
}

func newLogger(env *replay.Env, def *Definition) log.Logger {
	s := env.Start()
	l := log.With(def.options.Logger,
		"Namespace", def.options.Namespace,
		"TaskQueue", s.Run.Queue,
		"WorkflowType", s.Type,
		"WorkflowID", s.Run.WorkflowID,
		"RunID", s.Run.RunID,
		"Attempt", max(s.Attempt, 1),
	)
	if def.options.EnableLoggingInReplay {
		return l
	}
	return &liveLogger{next: l, env: env}
}

// liveLogger drops what is logged in replay.
type liveLogger struct {
	next log.Logger
	env  *replay.Env
}

func (l *liveLogger) Debug(msg string, keyvals ...any) {
	if !l.env.Replaying() {
		l.next.Debug(msg, keyvals...)
	}
}

func (l *liveLogger) Info(msg string, keyvals ...any) {
	if !l.env.Replaying() {
		l.next.Info(msg, keyvals...)
	}
}

func (l *liveLogger) Warn(msg string, keyvals ...any) {
	if !l.env.Replaying() {
		l.next.Warn(msg, keyvals...)
	}
}

func (l *liveLogger) Error(msg string, keyvals ...any) {
	if !l.env.Replaying() {
		l.next.Error(msg, keyvals...)
	}
}

// With returns a logger that adds keyvals, and is silent in replay too.
func (l *liveLogger) With(keyvals ...any) log.Logger {
	return &liveLogger{next: log.With(l.next, keyvals...), env: l.env}
}
