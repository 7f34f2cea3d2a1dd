// Package log is the logger that Millrace's libraries write to: a small interface with Temporal's shape, so that any
// logging library fits behind it with a few lines.
package log

// Logger takes a message and alternating keys and values. Implementations must be safe for concurrent use and must
// not block.
type Logger interface {
	Debug(msg string, keyvals ...any)
	Info(msg string, keyvals ...any)
	Warn(msg string, keyvals ...any)
	Error(msg string, keyvals ...any)
}

// WithLogger is implemented by loggers that can carry keys and values to every later message.
type WithLogger interface {
	With(keyvals ...any) Logger
}

// With returns a logger that adds keyvals to every message: l's own, when it implements WithLogger, else a wrapper.
func With(l Logger, keyvals ...any) Logger {
	if w, ok := l.(WithLogger); ok {
		return w.With(keyvals...)
	}
	return &withLogger{next: Skip(l, 1), keyvals: keyvals}
}

// WithSkipCallers is implemented by loggers that say where in the code a message comes from.
type WithSkipCallers interface {
	// WithCallerSkip returns a logger that looks for that place further up the stack by so many calls. The logger itself
	// stays as it is.
	WithCallerSkip(depth int) Logger
}

// Skip returns a logger for a function that logs on behalf of its caller, depth calls further up: l's own, when it implements
// WithSkipCallers, else l.
func Skip(l Logger, depth int) Logger {
	if s, ok := l.(WithSkipCallers); ok {
		return s.WithCallerSkip(depth)
	}
	return l
}

type withLogger struct {
	next    Logger
	keyvals []any
}

func (w *withLogger) all(keyvals []any) []any {
	return append(append(make([]any, 0, len(w.keyvals)+len(keyvals)), w.keyvals...), keyvals...)
}

func (w *withLogger) Debug(msg string, keyvals ...any) { w.next.Debug(msg, w.all(keyvals)...) }
func (w *withLogger) Info(msg string, keyvals ...any)  { w.next.Info(msg, w.all(keyvals)...) }
func (w *withLogger) Warn(msg string, keyvals ...any)  { w.next.Warn(msg, w.all(keyvals)...) }
func (w *withLogger) Error(msg string, keyvals ...any) { w.next.Error(msg, w.all(keyvals)...) }

func (w *withLogger) With(keyvals ...any) Logger {
	return &withLogger{next: w.next, keyvals: w.all(keyvals)}
}

func (w *withLogger) WithCallerSkip(depth int) Logger {
	return &withLogger{next: Skip(w.next, depth), keyvals: w.keyvals}
}

// Discard drops every message.
type Discard struct{}

// Debug drops the message.
func (Discard) Debug(string, ...any) {}

// Info drops the message.
func (Discard) Info(string, ...any) {}

// Warn drops the message.
func (Discard) Warn(string, ...any) {}

// Error drops the message.
func (Discard) Error(string, ...any) {}
