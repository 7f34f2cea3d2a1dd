package hostile

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// prefix begins the subjects of the only partition.
const prefix = "millrace.default.0."

func message(subject string, data []byte) *nats.Msg { return &nats.Msg{Subject: subject, Data: data} }

func argument(v any) *common.Payloads {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // a value of this test
	}
	return &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: data}}}
}

// floods are all subjects of docs/protocol.md, each with valid messages. None of these, whatever is made of it, means
// anything to the open run; most are for the closed one, or for runs that there are not.
func (e *engine) floods(closed, open history.Run) []flood {
	e.Helper()
	records := e.stored("HISTORY", prefix+"run."+closed.WorkflowID+"."+closed.RunID+".history")
	openRecords := e.stored("HISTORY", prefix+"run."+open.WorkflowID+"."+open.RunID+".history")
	starts := e.stored("HISTORY", prefix+"run."+open.WorkflowID+"."+open.RunID+".start.>")
	first, err := history.DecodeStart(starts[0].Data)
	e.must(err)
	run := func(r history.Run) string { return r.WorkflowID + "." + r.RunID }
	ghost := history.Run{WorkflowID: "ghost", RunID: "0196ffff-0000-7000-8000-000000000000"}
	const kv = "$KV.MILLRACE_default_0_HEARTBEATS."
	all := []flood{
		{name: "intake", kept: 3, mighty: true, bases: []*nats.Msg{
			{Subject: "millrace.default.intake.start.Junk.junk-1", Data: []byte(`{"a": [1, "two"]}`), Header: nats.Header{streams.HeaderIntakeTaskQueue: {"nobody"}}},
			{Subject: "millrace.default.intake.signal.word.closed", Data: []byte(`"finish"`)},
			{Subject: "millrace.default.intake.signal.word", Data: []byte(`"finish"`), Header: nats.Header{streams.HeaderIntakeWorkflowID: {"ghost"}}}}},
		{name: "request", kept: 3, mighty: true, bases: []*nats.Msg{
			{Subject: "millrace.default.request.start.Junk.junk-2", Data: []byte(`{"a": [1, "two"]}`), Header: nats.Header{streams.HeaderIntakeTaskQueue: {"nobody"}}},
			{Subject: "millrace.default.request.signal.word.closed", Data: []byte(`"finish"`)}}},
		{name: "start", kept: 4, bases: e.starts(first, closed)},
		{name: "history", kept: 6, bases: slices.Concat(records, openRecords)},
		{name: "tree", kept: 4, bases: []*nats.Msg{records[0], message(prefix+"run."+run(closed)+".history", nil)}},
		{name: "body", kept: 6, bases: []*nats.Msg{message(prefix+"run."+run(open)+".body.commit.0", records[0].Data)}},
		{name: "claim", kept: 7, bases: []*nats.Msg{message(prefix+"run."+run(open)+".claim.99", []byte("someone"))}},
		{name: "inbox", kept: 6, bases: e.inbox(closed, open, ghost)},
		{name: "timer", kept: 4, bases: []*nats.Msg{message(prefix+"timer."+run(closed), e.encoded(history.NewWakeUp(time.Now())))}},
		{name: "task", kept: 5, bases: e.tasks(closed, ghost)},
		{name: "heartbeat", kept: 3, bases: []*nats.Msg{
			message(kv+run(closed)+".2.beat", e.encoded(&history.Beat{Attempt: 1, Identity: "x", Started: time.Now(), Details: argument("x")})),
			message(kv+run(open)+".99.beat", e.encoded(&history.Beat{Attempt: 1}))}},
		{name: "payload", kept: 3, bases: []*nats.Msg{message("millrace.default.payload."+run(closed)+"."+strings.Repeat("ab", 32)+".0", []byte("piece"))}},
		{name: "live", kept: 5, bases: []*nats.Msg{message("millrace.default.live."+run(open), records[len(records)-1].Data), openRecords[0]}},
		{name: "done", kept: 3, bases: []*nats.Msg{
			message("millrace.default.done."+first.Waiter+"."+open.RunID, records[len(records)-1].Data),
			message("millrace.default.done."+first.Waiter+"."+open.RunID+".x.1.promise", records[len(records)-1].Data),
			message("millrace.default.done."+first.Waiter+"."+open.RunID+".x.1", []byte(`{"stream":"MILLRACE_default_0_HISTORY", "seq":7}`)),
			message("millrace.default.done."+first.Waiter+"."+open.RunID, e.encoded(&history.UpdateAnswer{Run: open, ID: "x", Step: history.UpdateAccepted}))}},
		{name: "query", kept: 3, bases: []*nats.Msg{message("millrace.default.query.main.-", e.encoded(&history.Query{Run: open, Type: "state"})),
			message("millrace.default.query.main.-", e.encoded(&history.Query{Run: ghost, Type: "state", Args: argument(1)}))}},
		{name: "ack", kept: 4, bases: acks()},
	}
	all[12].bases[1] = message("millrace.default.live."+run(open), openRecords[0].Data)
	for i := range all {
		all[i].replies = []string{prefix + "run." + run(open) + ".history", prefix + "run." + run(closed) + ".history", prefix + "timer." + run(open),
			prefix + "inbox.main.-." + run(open) + ".s", prefix + "task.main.-.-." + run(closed) + ".2", prefix + "run." + run(open) + ".claim.98",
			"millrace.default.intake.start.Junk.reply", "millrace.default.live." + run(open), kv + run(open) + ".97.beat", "$JS.API.STREAM.PURGE.MILLRACE_other_0_HISTORY"}
	}
	return all
}

func (e *engine) encoded(r any) []byte {
	e.Helper()
	var data []byte
	var err error
	switch r := r.(type) {
	case *history.Start:
		data, err = history.Encode(r)
	case *history.Message:
		data, err = history.Encode(r)
	case *history.Task:
		data, err = history.Encode(r)
	case *history.Beat:
		data, err = history.Encode(r)
	case *history.Query:
		data, err = history.Encode(r)
	case *history.UpdateAnswer:
		data, err = history.Encode(r)
	default:
		e.Fatalf("no record: %T", r)
	}
	e.must(err)
	return data
}

// stored are the messages of a stream, headers and all.
func (e *engine) stored(stream, filter string) []*nats.Msg {
	e.Helper()
	js, err := jetstream.New(e.conn)
	e.must(err)
	s, err := js.Stream(e.ctx, "MILLRACE_default_0_"+stream)
	e.must(err)
	var all []*nats.Msg
	for seq := uint64(1); ; {
		m, err := s.GetMsg(e.ctx, seq, jetstream.WithGetMsgSubject(filter))
		if err != nil {
			break
		}
		all = append(all, &nats.Msg{Subject: m.Subject, Data: m.Data, Header: m.Header})
		seq = m.Sequence + 1
	}
	if len(all) == 0 {
		e.Fatalf("no message on %s", filter)
	}
	return all
}

// starts are starts without the check that keeps one open run for each workflow ID.
func (e *engine) starts(like *history.Start, closed history.Run) []*nats.Msg {
	e.Helper()
	var all []*nats.Msg
	for _, r := range []history.Run{{WorkflowID: "junk-start", RunID: "0196ffff-0000-7000-8000-000000000001"},
		{WorkflowID: closed.WorkflowID, RunID: "0196ffff-0000-7000-8000-000000000002"}} {
		s := *like
		s.Run.Run = r
		all = append(all, &nats.Msg{Subject: prefix + "run." + r.WorkflowID + "." + r.RunID + ".start.main.-", Data: e.encoded(&s),
			Header: nats.Header{"Millrace-Type": {"Victim"}}})
	}
	return all
}

func (e *engine) inbox(closed, open, ghost history.Run) []*nats.Msg {
	e.Helper()
	to := func(r history.Run, m *history.Message) *nats.Msg {
		return message(prefix+"inbox.main.-."+r.WorkflowID+"."+r.RunID+"."+string(m.Source()), e.encoded(m))
	}
	return []*nats.Msg{
		to(closed, &history.Message{ID: "x", Signal: &history.Signal{Name: "word", Input: argument("finish")}}),
		to(closed, &history.Message{ID: "x", Cancel: &history.CancelRequest{Reason: "x"}}),
		to(closed, &history.Message{ID: "x", Terminate: &history.Termination{Reason: "x"}}),
		to(closed, &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: 2, Attempt: 1, Result: argument(1)}}),
		to(closed, &history.Message{ID: "closed", Child: &history.ChildOutcome{Initiated: 2, Status: enums.WORKFLOW_EXECUTION_STATUS_COMPLETED}}),
		to(closed, &history.Message{ID: "x", External: &history.ExternalResult{Initiated: 2}}),
		to(closed, &history.Message{ID: "update:x", Update: &history.UpdateRequest{ID: "x", Name: "add", Input: argument(1)}}),
		to(open, history.NewWakeUp(time.Now())),
		to(open, &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: 2, Attempt: 1, Result: argument(1)}}),
		to(open, &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: 99, Attempt: 1, Result: argument(1)}}),
		to(ghost, &history.Message{ID: "x", Signal: &history.Signal{Name: "word", Input: argument("finish")}}),
	}
}

func (e *engine) tasks(closed, ghost history.Run) []*nats.Msg {
	e.Helper()
	var all []*nats.Msg
	for event := int64(2); event < 200; event++ {
		for _, r := range []history.Run{closed, ghost} {
			t := &history.Task{Run: history.Address{Run: r, Queue: queue}, WorkflowType: "Victim", Event: event, ActivityID: "2", Type: "double", Queue: queue,
				Input: argument(1), Scheduled: time.Now().Add(-time.Hour), StartToClose: 1000, FirstAttempt: 1}
			ref := streams.TaskRef{Run: r, Queue: queue, Activity: event}
			all = append(all, message(prefix+"task.main.-.-."+ref.Run.WorkflowID+"."+ref.Run.RunID+"."+strconv.FormatInt(event, 10), e.encoded(t)))
		}
	}
	return all
}

// acks are acknowledgements of what was never delivered.
func acks() []*nats.Msg {
	var all []*nats.Msg
	for _, consumer := range []string{"HISTORY.starts+main", "INBOX.inbox+main", "TASKS.tasks+main", "NONE.none"} {
		for _, text := range []string{"+ACK", "-NAK", `-NAK {"delay": -1}`, "+WPI", "+TERM", "+TERM x", "+NXT", "{}"} {
			all = append(all, message("$JS.ACK.MILLRACE_default_0_"+consumer+".1.999999999.999999999.1.0", []byte(text)))
		}
	}
	return all
}

// checkAccounts verifies that what was stored of the flood became something, or waits for a reason.
func (e *engine) checkAccounts() {
	e.Helper()
	for deadline := time.Now().Add(30*time.Second + time.Duration(*floodMessages)*10*time.Millisecond); e.count("INTAKE", ">") > 0; {
		if time.Now().After(deadline) {
			e.Fatalf("%d messages wait in the intake\n%s", e.count("INTAKE", ">"), e.log.text())
		}
	}
	letters := map[string]int{}
	js, err := jetstream.New(e.conn)
	e.must(err)
	s, err := js.Stream(e.ctx, "MILLRACE_default_DEADLETTER")
	e.must(err)
	info, err := s.Info(e.ctx, jetstream.WithSubjectFilter(">"))
	e.must(err)
	for subject := range info.State.Subjects {
		id, err := streams.DecodeToken(strings.TrimPrefix(subject, "millrace.default.deadletter."))
		e.must(err)
		letters[strings.TrimRight(id, "0123456789")]++
	}
	for _, k := range slices.Sorted(maps.Keys(letters)) {
		e.Logf("%6d dead letters %s…", letters[k], k)
	}
	intake, err := js.Stream(e.ctx, "MILLRACE_default_INTAKE")
	e.must(err)
	stored, put := int(intake.CachedInfo().State.LastSeq), 0
	for k, n := range letters {
		if strings.HasPrefix(k, "intake-") {
			put += n
		}
	}
	started := 0
	for s, err := range e.streams.ListStarts(e.ctx, streams.StartFilter{}) {
		e.must(err)
		if start, err := history.DecodeStart(s.Data); err == nil && start.Identity == "intake" && s.Checked {
			started++
		}
	}
	// A name that one message made a run of another one may signal.
	signals := e.count("INBOX", prefix+"inbox.>") - e.count("INBOX", prefix+"inbox."+queue+".>")
	e.Logf("%d messages in the intake: %d dead letters; %d runs started by it or by requests, %d signals for these", stored, put, started, signals)
	if stored > put+started+signals {
		e.Errorf("of %d messages in the intake %d became dead letters, at most %d runs and %d signals: the rest is lost", stored, put, started, signals)
	}
	e.Logf("waiting: %d in the inbox, %d tasks", e.count("INBOX", prefix+"inbox.>"), e.count("TASKS", ">"))
}
