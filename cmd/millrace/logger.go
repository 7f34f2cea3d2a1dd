package main

import (
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/millrace-dev/millrace/log"
)

// zeroLogger writes what the libraries log by zerolog.
type zeroLogger struct{ z zerolog.Logger }

// logger is the program's log: lines for people on a terminal, JSON elsewhere. level applies unless --log-level says
// otherwise.
func (a *app) logger(level string) log.Logger {
	if a.flags.logLevel != "" {
		level = a.flags.logLevel
	}
	parsed, err := zerolog.ParseLevel(level)
	if level == "off" || err != nil {
		parsed = zerolog.Disabled
	}
	out := zerolog.New(a.stderr)
	if isTerminal(a.stderr) {
		_, plain := a.env.LookupEnv("NO_COLOR")
		out = zerolog.New(zerolog.ConsoleWriter{Out: a.stderr, TimeFormat: time.TimeOnly, NoColor: plain})
	}
	return zeroLogger{out.Level(parsed).With().Timestamp().Logger()}
}

func (l zeroLogger) Debug(msg string, keyvals ...any) { write(l.z.Debug(), msg, keyvals) }
func (l zeroLogger) Info(msg string, keyvals ...any)  { write(l.z.Info(), msg, keyvals) }
func (l zeroLogger) Warn(msg string, keyvals ...any)  { write(l.z.Warn(), msg, keyvals) }
func (l zeroLogger) Error(msg string, keyvals ...any) { write(l.z.Error(), msg, keyvals) }

// With adds keyvals to every later message.
func (l zeroLogger) With(keyvals ...any) log.Logger {
	c := l.z.With()
	for i := 0; i+1 < len(keyvals); i += 2 {
		c = c.Interface(fmt.Sprint(keyvals[i]), plain(keyvals[i+1]))
	}
	return zeroLogger{c.Logger()}
}

func write(e *zerolog.Event, msg string, keyvals []any) {
	if !e.Enabled() {
		return
	}
	for i := 0; i < len(keyvals); i += 2 {
		var value any = "(missing)"
		if i+1 < len(keyvals) {
			value = plain(keyvals[i+1])
		}
		e = e.Interface(fmt.Sprint(keyvals[i]), value)
	}
	e.Msg(msg)
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
