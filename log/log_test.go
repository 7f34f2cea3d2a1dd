package log_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/log"
)

// recorder has no With of its own.
type recorder struct{ lines *[]string }

func (r recorder) add(level, msg string, keyvals []any) {
	*r.lines = append(*r.lines, fmt.Sprintln(append([]any{level, msg}, keyvals...)...))
}
func (r recorder) Debug(msg string, keyvals ...any) { r.add("debug", msg, keyvals) }
func (r recorder) Info(msg string, keyvals ...any)  { r.add("info", msg, keyvals) }
func (r recorder) Warn(msg string, keyvals ...any)  { r.add("warn", msg, keyvals) }
func (r recorder) Error(msg string, keyvals ...any) { r.add("error", msg, keyvals) }

func TestWithAddsToEveryMessage(t *testing.T) {
	t.Parallel()
	var lines []string
	base := log.With(recorder{&lines}, "run", "r")
	left, right := log.With(base, "side", "left"), log.With(base, "side", "right")
	left.Debug("a", "n", 1)
	right.Info("b")
	base.Warn("c")
	left.Error("d")
	want := "debug a run r side left n 1\ninfo b run r side right\nwarn c run r\nerror d run r side left\n"
	if got := strings.Join(lines, ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestStructuredLoggerWritesToSlog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	handler := slog.NewJSONHandler(&out, &slog.HandlerOptions{AddSource: true, Level: slog.LevelInfo})
	logger := log.With(log.NewStructuredLogger(slog.New(handler)), "run", "r")
	logger.Debug("hidden")
	logger.Warn("shown", "attempt", 2)

	var got struct {
		Level, Msg, Run string
		Attempt         int
		Source          struct{ File string }
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	if got.Level != "WARN" || got.Msg != "shown" || got.Run != "r" || got.Attempt != 2 {
		t.Errorf("got %+v", got)
	}
	if !strings.HasSuffix(got.Source.File, "log_test.go") {
		t.Errorf("source is %s, want this file", got.Source.File)
	}
}

// located has a place for each message, but no With of its own.
type located struct {
	recorder
	depth int
}

func (l located) WithCallerSkip(depth int) log.Logger { return located{l.recorder, l.depth + depth} }
func (l located) Info(msg string, _ ...any)           { l.add("info", msg, []any{l.depth}) }

func TestWhoLogsForOthersIsSkipped(t *testing.T) {
	t.Parallel()
	var lines []string
	plain := recorder{&lines}
	if log.Skip(plain, 1) != log.Logger(plain) {
		t.Error("a logger without places is changed")
	}
	log.Skip(located{recorder: plain}, 2).Info("direct")
	log.Skip(log.With(located{recorder: plain}, "k", "v"), 2).Info("wrapped")
	if want, got := "info direct 2\ninfo wrapped 3\n", strings.Join(lines, ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}

	var out bytes.Buffer
	logger := log.NewStructuredLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{AddSource: true})))
	complain := func() { log.Skip(log.With(logger, "k", "v"), 1).Warn("for another") }
	func() { complain() }()
	var got struct{ Source struct{ Function string } }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || !strings.HasSuffix(got.Source.Function, "TestWhoLogsForOthersIsSkipped.func2") {
		t.Errorf("source is %q (%v), want the second function", got.Source.Function, err)
	}
}
