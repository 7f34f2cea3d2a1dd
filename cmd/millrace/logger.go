package main

import (
	"time"

	rs "github.com/rs/zerolog"

	"github.com/millrace-dev/millrace/contrib/zerolog"
	"github.com/millrace-dev/millrace/log"
)

// logger is the program's log: lines for people on a terminal, JSON elsewhere. level applies unless --log-level says
// otherwise.
func (a *app) logger(level string) log.Logger {
	if a.flags.logLevel != "" {
		level = a.flags.logLevel
	}
	parsed, err := rs.ParseLevel(level)
	if level == "off" || err != nil {
		parsed = rs.Disabled
	}
	out := rs.New(a.stderr)
	if isTerminal(a.stderr) {
		_, plain := a.env.LookupEnv("NO_COLOR")
		out = rs.New(rs.ConsoleWriter{Out: a.stderr, TimeFormat: time.TimeOnly, NoColor: plain})
	}
	return zerolog.New(out.Level(parsed).With().Timestamp().Logger())
}
