// Package zerolog lets programs that log by github.com/rs/zerolog have Millrace's log there, too. For log/slog there is
// NewStructuredLogger in package log.
package zerolog

import (
	"fmt"

	"github.com/rs/zerolog"

	"github.com/millrace-dev/millrace/log"
)

// New returns a logger for client.Options.Logger that writes to l, at the level that l has. It is safe for concurrent use.
//
// Keys become fields; errors and values that know their text become that text. A key without a value is "(missing)".
func New(l zerolog.Logger) log.Logger { return logger{l} }

type logger struct{ z zerolog.Logger }

var _ log.WithLogger = logger{}

func (l logger) Debug(msg string, keyvals ...any) { write(l.z.Debug(), msg, keyvals) }
func (l logger) Info(msg string, keyvals ...any)  { write(l.z.Info(), msg, keyvals) }
func (l logger) Warn(msg string, keyvals ...any)  { write(l.z.Warn(), msg, keyvals) }
func (l logger) Error(msg string, keyvals ...any) { write(l.z.Error(), msg, keyvals) }

// With adds keyvals to every later message.
func (l logger) With(keyvals ...any) log.Logger {
	c := l.z.With()
	for key, value := range pairs(keyvals) {
		c = c.Interface(key, value)
	}
	return logger{c.Logger()}
}

func write(e *zerolog.Event, msg string, keyvals []any) {
	if !e.Enabled() {
		return
	}
	for key, value := range pairs(keyvals) {
		e = e.Interface(key, value)
	}
	e.Msg(msg)
}

// pairs are keys and values.
func pairs(keyvals []any) func(yield func(key string, value any) bool) {
	return func(yield func(string, any) bool) {
		for i := 0; i < len(keyvals); i += 2 {
			var value any = "(missing)"
			if i+1 < len(keyvals) {
				value = plain(keyvals[i+1])
			}
			if !yield(fmt.Sprint(keyvals[i]), value) {
				return
			}
		}
	}
}

// plain makes readable what JSON would show as a structure or as nothing.
func plain(v any) any {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	return v
}
