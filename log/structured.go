package log

import (
	"context"
	"log/slog"
	"runtime"
	"time"
)

// NewStructuredLogger returns a Logger that writes to a slog.Logger. The source that slog may show is the caller of
// Debug, Info, Warn or Error. It is as safe for concurrent use as logger's handler.
func NewStructuredLogger(logger *slog.Logger) Logger {
	return &structuredLogger{logger: logger}
}

type structuredLogger struct {
	logger *slog.Logger
	// skip is how many calls lie between the place that a message comes from and the methods of Logger.
	skip int
}

func (s *structuredLogger) Debug(msg string, keyvals ...any) { s.write(slog.LevelDebug, msg, keyvals) }
func (s *structuredLogger) Info(msg string, keyvals ...any)  { s.write(slog.LevelInfo, msg, keyvals) }
func (s *structuredLogger) Warn(msg string, keyvals ...any)  { s.write(slog.LevelWarn, msg, keyvals) }
func (s *structuredLogger) Error(msg string, keyvals ...any) { s.write(slog.LevelError, msg, keyvals) }

// With keeps the keys and values in the slog.Logger, where handlers prepare them once.
func (s *structuredLogger) With(keyvals ...any) Logger {
	return &structuredLogger{logger: s.logger.With(keyvals...), skip: s.skip}
}

// WithCallerSkip is documented at WithSkipCallers.
func (s *structuredLogger) WithCallerSkip(depth int) Logger {
	return &structuredLogger{logger: s.logger, skip: s.skip + depth}
}

// write builds the record itself because slog.Logger.Log would name this file as the source.
func (s *structuredLogger) write(level slog.Level, msg string, keyvals []any) {
	ctx := context.Background() // Logger has none to pass on
	if !s.logger.Enabled(ctx, level) {
		return
	}
	var pcs [1]uintptr
	runtime.Callers(3+s.skip, pcs[:]) // runtime.Callers, write, and the method that was called
	r := slog.NewRecord(time.Now(), level, msg, pcs[0])
	r.Add(keyvals...)
	// A handler that cannot write has nowhere to say so.
	_ = s.logger.Handler().Handle(ctx, r)
}
