package streams

import (
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/history"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	run := history.Run{WorkflowID: "order.1", RunID: "r-1"}
	base := subject{namespace: "prod", partition: 3, run: run}
	with := func(kind subjectKind, set func(s *subject)) subject {
		s := base
		s.kind = kind
		set(&s)
		return s
	}
	for text, s := range map[string]subject{
		"millrace.prod.3.run.order=2E1.r-1.start.fast.-":    with(kindStart, func(s *subject) { s.queue = "fast" }),
		"millrace.prod.3.run.order=2E1.r-1.start.fast.b=2D": {},
		"millrace.prod.3.run.order=2E1.r-1.history":         with(kindRecord, func(*subject) {}),
		"millrace.prod.3.run.order=2E1.r-1.body.c1.7":       with(kindBody, func(s *subject) { s.commit, s.piece = "c1", 7 }),
		"millrace.prod.3.run.order=2E1.r-1.claim.12":        with(kindClaim, func(s *subject) { s.activity = 12 }),
		"millrace.prod.3.inbox.fast.v2.order=2E1.r-1.a7":    with(kindInbox, func(s *subject) { s.queue, s.build, s.source = "fast", "v2", "a7" }),
		"millrace.prod.3.timer.order=2E1.r-1":               with(kindWakeUp, func(*subject) {}),
		"millrace.prod.3.task.fast.-.-.order=2E1.r-1.7":     with(kindTask, func(s *subject) { s.queue, s.activity = "fast", 7 }),
		"millrace.prod.3.task.fast+.2.-.order=2E1.r-1.7":    with(kindTask, func(s *subject) { s.queue, s.class, s.activity = "fast", 2, 7 }),
		"millrace.prod.3.task.fast+v2.-.-.order=2E1.r-1.7":  with(kindTask, func(s *subject) { s.queue, s.build, s.activity = "fast", "v2", 7 }),
		"millrace.prod.3.task.fast+=2D.5.-.order=2E1.r-1.7": with(kindTask, func(s *subject) { s.queue, s.build, s.class, s.activity = "fast", "-", 5, 7 }),
		"millrace.prod.3.task.fast+.-.-.order=2E1.r-1.7":    {},
		"millrace.prod.3.task.fast+-.2.-.order=2E1.r-1.7":   {},
		"millrace.prod.3.task.fast.2.-.order=2E1.r-1.7":     {},
		"millrace.prod.3.task.fast+.6.-.order=2E1.r-1.7":    {},
	} {
		got, err := parseSubject(text)
		if s.kind == "" {
			if err == nil {
				t.Errorf("%s was parsed as %+v", text, got)
			}
			continue
		}
		if err != nil || got != s {
			t.Errorf("%s was parsed as %+v, %v, want %+v", text, got, err, s)
		}
		if s.String() != text {
			t.Errorf("%+v is %s, want %s", s, s.String(), text)
		}
	}
}

// Whatever is accepted is what would be written for it: no two subjects mean the same.
func FuzzParseSubject(f *testing.F) {
	for _, text := range []string{
		"millrace.n.0.run.w.r.start.q.-", "millrace.n.0.run.w.r.history", "millrace.n.0.run.w.r.body.c.0",
		"millrace.n.0.run.w.r.claim.1", "millrace.n.0.inbox.q.-.w.r.s", "millrace.n.0.timer.w.r", "millrace.n.0.task.q.-.-.w.r.1",
		"millrace.n.00.timer.w.r", "millrace.n.0.task.q.1.-.w.r.1", "millrace.n.0.task.q+b.1.-.w.r.1", "millrace.n.0.inbox.q.-.w.r.a07",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSubject(text)
		if err == nil && s.String() != text {
			t.Fatalf("%q was parsed as %+v, which is %q", text, s, s.String())
		}
	})
}

func FuzzSubject(f *testing.F) {
	f.Add("order 1", "r1", "orders", "", uint16(3), int64(7))
	f.Fuzz(func(t *testing.T, workflowID, runID, queue, build string, partition uint16, activity int64) {
		if activity < 0 {
			activity = -(activity + 1)
		}
		all := subject{
			namespace: "n", partition: int(partition), run: history.Run{WorkflowID: workflowID, RunID: runID},
		}
		for _, kind := range []subjectKind{kindStart, kindRecord, kindBody, kindClaim, kindInbox, kindWakeUp, kindTask} {
			s := all
			s.kind = kind
			switch kind {
			case kindStart:
				s.queue, s.build = queue, build
			case kindBody:
				s.commit, s.piece = build, int(partition)
			case kindClaim:
				s.activity = activity
			case kindInbox:
				s.queue, s.build, s.source = queue, build, history.ActivitySource(activity)
			case kindTask:
				s.queue, s.build, s.class, s.activity = queue, build, int(partition)%(MaxClass+1), activity
				s.bucket = int(partition/8) % (history.FairnessBuckets + 1)
			}
			got, err := parseSubject(s.String())
			if err != nil || got != s {
				t.Fatalf("%+v became %q and then %+v, %v", s, s.String(), got, err)
			}
		}
	})
}

// The broker's protocol line holds 4096 bytes: subject, reply and sizes.
func TestLongestSubjectFitsProtocolLine(t *testing.T) {
	t.Parallel()
	s := subject{
		namespace: strings.Repeat("n", maxNamespace), partition: maxPartitions - 1, kind: kindInbox,
		run:   history.Run{WorkflowID: strings.Repeat("ü", maxWorkflowID/2), RunID: strings.Repeat("r", maxToken)},
		queue: strings.Repeat("q", maxToken), build: strings.Repeat("b", maxToken), source: history.ActivitySource(1 << 62),
	}
	const line, rest = 4096, 200 // the rest: HPUB, the reply inbox and two sizes
	if size := len(s.String()); size > line-rest {
		t.Errorf("the longest subject has %d bytes", size)
	}
}

func TestConsumerNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("q", maxToken)
	seen := map[string]string{}
	for _, c := range []struct{ queue, build string }{
		{"a", ""}, {"a", "b"}, {"a+b", ""}, {"a=2Bb", ""}, {long, ""}, {long, "b"}, {long[:199] + "p", ""}, {long, long},
	} {
		name := consumerName(LaneInbox, c.queue, c.build)
		if len(name) > maxName || strings.ContainsAny(name, ". *>/\\") {
			t.Errorf("queue %q build %q: consumer name %q", c.queue, c.build, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("queue %q build %q and %q share the consumer name %q", c.queue, c.build, other, name)
		}
		seen[name] = c.queue + "/" + c.build
	}
}
