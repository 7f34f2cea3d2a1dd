package verify

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

var scaleRuns = flag.Int("verify.runs", 500, "how many runs BenchmarkVerify makes up, of three operations each")

// BenchmarkVerify reads made-up runs of four activities each. It reports operations a second and the largest heap.
func BenchmarkVerify(b *testing.B) {
	dir := b.TempDir()
	makeUp(b, dir, *scaleRuns)
	for b.Loop() {
		began := time.Now()
		r, err := Verify(b.Context(), dir, Options{})
		if err != nil || len(r.Broken()) > 0 {
			b.Fatal(err, r)
		}
		b.ReportMetric(float64(3**scaleRuns)/time.Since(began).Seconds(), "ops/s")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys)/(1<<20), "MiB")
	}
}

// makeUp writes the evidence of n runs.
func makeUp(tb testing.TB, dir string, n int) {
	tb.Helper()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, dumpDirectory), 0o755))
	w, err := createDump(filepath.Join(dir, dumpDirectory, "MILLRACE_default_0_HISTORY"+messagesFile))
	must(err)
	ops, err := OpenOperations(dir, "client", WriteOptions{})
	must(err)
	ledger, err := OpenExecutions(dir, "worker", WriteOptions{})
	must(err)
	seq := uint64(0)
	put := func(subject string, data []byte, expected uint64, headers map[string][]string) {
		seq++
		headers[headerExpected] = []string{strconv.FormatUint(expected, 10)}
		must(w.append(Message{Seq: seq, Subject: subject, Time: Now(), Headers: headers, Data: data}))
	}
	for i := range n {
		run := history.Run{WorkflowID: fmt.Sprint("steps-", i), RunID: fmt.Sprint("run-", i)}
		tree := "millrace.default.0.run." + run.WorkflowID + "." + run.RunID + "."
		begun := Now()
		start, err := history.Encode(&history.Start{Run: history.Address{Run: run, Queue: taskQueue}, Type: wfSteps, Time: time.Unix(0, begun).UTC()})
		must(err)
		put(tree+"start.verify.-", start, 0, map[string][]string{})
		var before []byte
		last, event := uint64(0), int64(1)
		next := func(a history.Attributes) history.Event { event++; return history.NewEvent(event, a) }
		for k := range 5 {
			t := &history.Transition{RunID: run.RunID, Number: uint64(k + 1), CommitID: fmt.Sprint(i, "-", k), Time: time.Unix(0, begun).UTC(), Cover: "start", Previous: last}
			if before != nil {
				t.PreviousHash = history.HashRecord(before)
				t.Events = append(t.Events, next(&history.ActivityTaskCompleted{ActivityEnd: history.ActivityEnd{Scheduled: event}, Result: jsonPayloads("1")}))
			}
			if k == 4 {
				t.Events = append(t.Events, next(&history.WorkflowExecutionCompleted{Result: jsonPayloads("6")}))
			} else {
				t.Events = append(t.Events, next(&history.ActivityTaskScheduled{ActivityID: strconv.FormatInt(event+1, 10), Type: "Add", Queue: taskQueue, Input: jsonPayloads("[1,2]")}))
				end, err := ledger.Begin(Execution{WorkflowID: run.WorkflowID, RunID: run.RunID, ActivityID: strconv.FormatInt(event, 10), Attempt: 1})
				must(err)
				must(end(nil))
			}
			before, err = history.Encode(t)
			must(err)
			put(tree+"history", before, last, map[string][]string{"Millrace-Transition": {strconv.Itoa(k + 1)}, "Millrace-Commit": {streams.EncodeToken(t.CommitID)}})
			last = seq
		}
		for _, kind := range []OperationKind{OperationStart, OperationDescribe, OperationCompletion} {
			op := Operation{ID: fmt.Sprint(kind, i), Kind: kind, WorkflowID: run.WorkflowID, RunID: run.RunID, Begun: begun, Ended: Now() + 1, Outcome: Acknowledged,
				Seen: &Seen{RunID: run.RunID, Status: "Completed", Result: "6"}}
			must(ops.Append(op))
			begun = op.Ended + 1
		}
	}
	must(w.close())
	must(os.WriteFile(filepath.Join(dir, dumpDirectory, "MILLRACE_default_0_HISTORY"+streamFile),
		fmt.Appendf(nil, `{"name": "MILLRACE_default_0_HISTORY", "messages": %d, "first": 1, "last": %d}`, seq, seq), 0o644))
}
