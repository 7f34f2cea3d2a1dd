package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func TestPlainPublishStartsARun(t *testing.T) {
	f := setup(t)
	// Published while no daemon runs: the broker keeps it.
	f.publish(t, "millrace.default.intake.start.Order", ` {"id": 7} `, "Millrace-Workflow-Id", "order-7", "Millrace-Task-Queue", "orders")
	f.publish(t, "millrace.default.intake.start.My=20Flow.in=2Esubject", "")
	f.serve(t)
	start := f.startOf(t, "order-7")
	if start.Type != "Order" || start.Run.Queue != "orders" || string(start.Input.GetPayloads()[0].Data) != ` {"id": 7} ` {
		t.Errorf("start is %+v", start)
	}
	if start := f.startOf(t, "in.subject"); start.Type != "My Flow" || start.Run.Queue != "default" || start.Input != nil {
		t.Errorf("start is %+v", start)
	}
	if letters := f.letters(t); len(letters) > 0 {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestPlainPublishSignalsARun(t *testing.T) {
	f := setup(t)
	for n := range 5 {
		if n == 0 {
			f.publish(t, "millrace.default.intake.start.Order.w", "")
		}
		f.publish(t, "millrace.default.intake.signal.approve.w", fmt.Sprint(n))
	}
	f.serve(t)
	run := f.startOf(t, "w").Run
	var waiting []streams.Waiting
	await(t, "five signals", func() bool {
		var err error
		if waiting, err = f.ns.ReadInbox(f.ctx, run, history.SourceSignals, 0); err != nil {
			t.Fatal(err)
		}
		return len(waiting) == 5
	})
	for n, w := range waiting {
		m, err := history.DecodeMessage(w.Data)
		if err != nil || m.Signal == nil || m.Signal.Name != "approve" || string(m.Signal.Input.Payloads[0].Data) != fmt.Sprint(n) {
			t.Errorf("signal %d is %+v, %v", n, m, err)
		}
	}
}

// acks records how a message ended.
type acks struct {
	acked bool
	naks  []time.Duration
}

func (a *acks) Ack(context.Context) error        { a.acked = true; return nil }
func (a *acks) AckSync(context.Context) error    { a.acked = true; return nil }
func (a *acks) Nak(d time.Duration) error        { a.naks = append(a.naks, d); return nil }
func (a *acks) InProgress(context.Context) error { return nil }
func (a *acks) KeepAlive() error                 { return nil }

func TestRedeliveryStartsOnce(t *testing.T) {
	f := setup(t)
	intake := NewIntake(f.ns, IntakeConfig{})
	deliver := func(key string) (*acks, history.Run) {
		a := &acks{}
		m := &streams.IntakeMessage{Verb: "start", Name: "Order", Subject: "millrace.default.intake.start.Order", Key: key,
			Headers: map[string][]string{"Millrace-Workflow-Id": {"w"}}, Published: time.Unix(1700000000, 0), Deliveries: 1, Acker: a}
		intake.handleAll(f.ctx, []*streams.IntakeMessage{m})
		last, err := f.ns.LastStart(f.ctx, "w")
		if err != nil {
			t.Fatal(err)
		}
		return a, last.Run.Run
	}
	_, first := deliver("k1")
	closing := history.NewEvent(2, &history.WorkflowExecutionCompleted{})
	f.append(t, first, 1, 0, time.Now(), closing)
	// The run is closed by now, so another start would be possible: the redelivery must not be one.
	a, again := deliver("k1")
	if again != first || !a.acked {
		t.Fatalf("redelivery: run %s (acked %v), first was %s", again, a.acked, first)
	}
	if _, other := deliver("k2"); other == first {
		t.Fatal("another message with the same workflow ID started nothing")
	}
	if n := len(f.letters(t)); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

func (f fixture) request(t *testing.T, subject, body string, headers ...string) reply {
	t.Helper()
	answer, err := f.nc.RequestMsg(message(subject, body, headers...), 10*time.Second)
	if err != nil {
		t.Fatalf("request %s: %v", subject, err)
	}
	var r reply
	if err := json.Unmarshal(answer.Data, &r); err != nil {
		t.Fatalf("reply %s: %v", answer.Data, err)
	}
	return r
}

func TestRequestsAreAnswered(t *testing.T) {
	f := setup(t)
	f.serve(t)
	r := f.request(t, "millrace.default.request.start.Order", "7", "Millrace-Workflow-Id", "w", "Millrace-Request-Id", "r1")
	if r.Error != nil || r.WorkflowID != "w" || r.RunID == "" {
		t.Fatalf("start is answered by %+v", r)
	}
	if again := f.request(t, "millrace.default.request.start.Order", "7", "Millrace-Workflow-Id", "w", "Millrace-Request-Id", "r1"); again != r {
		t.Errorf("the same request is answered by %+v, the first was by %+v", again, r)
	}
	other := f.request(t, "millrace.default.request.start.Order", "", "Millrace-Workflow-Id", "w")
	if other.Error == nil || other.Error.Code != "already_started" || other.Error.RunID != r.RunID {
		t.Errorf("a second start is answered by %+v", other)
	}
	if s := f.request(t, "millrace.default.request.signal.go.w", ""); s != r {
		t.Errorf("signal is answered by %+v", s)
	}
	if s := f.request(t, "millrace.default.request.signal.go.nobody", ""); s.Error == nil || s.Error.Code != "not_found" {
		t.Errorf("signal to nobody is answered by %+v", s)
	}
	unnamed := f.request(t, "millrace.default.request.start.Order", "")
	if unnamed.Error != nil || unnamed.WorkflowID != unnamed.RunID {
		t.Errorf("start without workflow ID is answered by %+v", unnamed)
	}
	if bad := f.request(t, "millrace.default.request.start.Order", "{"); bad.Error == nil || bad.Error.Code != "invalid" {
		t.Errorf("wrong JSON is answered by %+v", bad)
	}
	if n := len(f.letters(t)); n > 0 {
		t.Errorf("%d dead letters: requests tell their sender", n)
	}
}

func TestWhatCannotBeUsedBecomesADeadLetter(t *testing.T) {
	f := setup(t)
	f.publish(t, "millrace.default.intake.start.Order", "{oops", "X-Trace", "t1")
	f.publish(t, "millrace.default.intake.signal.go.nobody", `"x"`)
	f.publish(t, "millrace.default.intake.start.Order", "1", "Millrace-Workflow-Id", "w")
	f.publish(t, "millrace.default.intake.start.Order", "2", "Millrace-Workflow-Id", "w")
	f.serve(t)
	await(t, "three dead letters", func() bool { return len(f.letters(t)) == 3 })
	reasons := map[string]streams.DeadLetter{}
	for _, d := range f.letters(t) {
		reasons[d.Subject+" "+string(d.Data)] = d
	}
	for where, want := range map[string]string{
		"millrace.default.intake.start.Order {oops":    "body is not JSON",
		`millrace.default.intake.signal.go.nobody "x"`: "has no open run to signal",
		"millrace.default.intake.start.Order 2":        "has an open run",
	} {
		if d, ok := reasons[where]; !ok || !strings.Contains(d.Reason, want) {
			t.Errorf("%s: letter %+v, want reason %q", where, d, want)
		}
	}
	if h := reasons["millrace.default.intake.start.Order {oops"].Headers["X-Trace"]; len(h) != 1 || h[0] != "t1" {
		t.Errorf("the letter's header X-Trace is %q", h)
	}
}

// deaf is a namespace whose broker does not answer starts.
type deaf struct {
	*streams.Namespace
	asked int
}

func (d *deaf) PublishStart(context.Context, history.Address, []byte, streams.StartInfo, uint64) (uint64, error) {
	d.asked++
	return 0, fmt.Errorf("injected: %w", streams.ErrUnavailable)
}

func TestWithoutAnswerMessagesAreHandedBackInOrder(t *testing.T) {
	d := &deaf{}
	intake := NewIntake(d, IntakeConfig{})
	var ended []*acks
	var messages []*streams.IntakeMessage
	for n := range 3 {
		ended = append(ended, &acks{})
		messages = append(messages, &streams.IntakeMessage{Verb: "start", Name: "T", ID: "w", Subject: "millrace.default.intake.start.T.w",
			Key: fmt.Sprint(n), Deliveries: 3, Acker: ended[n]})
	}
	intake.handleAll(t.Context(), messages)
	for n, a := range ended {
		if a.acked || len(a.naks) != 1 || a.naks[0] != 4*time.Second {
			t.Errorf("message %d: acked %v, handed back with %v, want once with 4s", n, a.acked, a.naks)
		}
	}
	if d.asked != 1 {
		t.Errorf("%d starts were tried, want 1: the others must not overtake the first", d.asked)
	}
}

func TestRead(t *testing.T) {
	const sub = "millrace.default.intake."
	long := strings.Repeat("x", 1001)
	for name, c := range map[string]struct {
		m    streams.IntakeMessage
		want string // in the refusal, or "" for none
	}{
		"start":                {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T"}, ""},
		"null":                 {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Data: []byte("null")}, ""},
		"other header":         {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"X-Y": {"1"}}}, ""},
		"other verb":           {streams.IntakeMessage{Verb: "stop", Name: "T", Subject: sub + "stop.T"}, `"stop" is not start or signal`},
		"no type":              {streams.IntakeMessage{Verb: "start", Subject: sub + "start"}, "end it in start.TYPE.WORKFLOW-ID"},
		"no signal name":       {streams.IntakeMessage{Verb: "signal", Subject: sub + "signal"}, "end it in signal.NAME.WORKFLOW-ID"},
		"no signal target":     {streams.IntakeMessage{Verb: "signal", Name: "s", Subject: sub + "signal.s"}, "the workflow ID is missing"},
		"signal by header":     {streams.IntakeMessage{Verb: "signal", Name: "s", Subject: sub + "signal.s", Headers: map[string][]string{"Millrace-Workflow-Id": {"w"}}}, ""},
		"misspelt header":      {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Workflow-ID": {"w"}}}, `header "Millrace-Workflow-ID" is not one of`},
		"header twice":         {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Task-Queue": {"a", "b"}}}, "is there 2 times"},
		"header empty":         {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Task-Queue": {""}}}, "is empty"},
		"long workflow ID":     {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Workflow-Id": {long}}}, "workflow ID"},
		"long task queue":      {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Task-Queue": {long}}}, "task queue"},
		"long request ID":      {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Headers: map[string][]string{"Millrace-Request-Id": {long}}}, "at most 1000"},
		"two workflow IDs":     {streams.IntakeMessage{Verb: "start", Name: "T", ID: "a", Subject: sub + "start.T.a", Headers: map[string][]string{"Millrace-Workflow-Id": {"b"}}}, `the subject says "a"`},
		"signal with queue":    {streams.IntakeMessage{Verb: "signal", Name: "s", ID: "w", Subject: sub + "signal.s.w", Headers: map[string][]string{"Millrace-Task-Queue": {"q"}}}, "is for starts"},
		"body is not JSON":     {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Data: []byte("hello")}, "body is not JSON"},
		"two values":           {streams.IntakeMessage{Verb: "start", Name: "T", Subject: sub + "start.T", Data: []byte("1 2")}, "body is not JSON"},
		"type empty but token": {streams.IntakeMessage{Verb: "start", Name: "", Subject: sub + "start.-"}, "workflow type is missing"},
	} {
		_, refused := read(&c.m, time.Now())
		switch {
		case c.want == "" && refused != nil:
			t.Errorf("%s: refused: %s", name, refused.Message)
		case c.want != "" && (refused == nil || refused.Code != codeInvalid || !strings.Contains(refused.Message, c.want)):
			t.Errorf("%s: %+v, want a refusal with %q", name, refused, c.want)
		}
	}
}

func TestEndsCleanlyWhenTheNamespaceIsClosed(t *testing.T) {
	f := setup(t)
	f.nc.Close()
	if err := NewIntake(f.ns, IntakeConfig{}).Run(f.ctx); !errors.Is(err, streams.ErrUnavailable) {
		t.Errorf("intake on a closed connection ended with %v", err)
	}
}
