package verify

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// doctor changes evidence.
type doctor struct {
	*testing.T
	dir string
}

// doctored is a copy of evidence that may be changed.
func doctored(t *testing.T, dir string) *doctor {
	t.Helper()
	d := &doctor{t, t.TempDir()}
	d.must(os.CopyFS(d.dir, os.DirFS(dir)))
	return d
}

func (d *doctor) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// only is the one element of list.
func only[T any](d *doctor, list []T) *T {
	d.Helper()
	if len(list) != 1 {
		d.Fatalf("%d of them, want one", len(list))
	}
	return &list[0]
}

// file is the one file of evidence that a pattern names.
func (d *doctor) file(pattern string) string {
	d.Helper()
	names, err := filepath.Glob(filepath.Join(d.dir, pattern))
	d.must(err)
	return *only(d, names)
}

// edit changes the lines of a file.
func edit[T any](d *doctor, pattern string, change func([]T) []T) {
	d.Helper()
	name := d.file(pattern)
	var all []T
	d.must(readLines(name, false, func(line []byte) error {
		var v T
		err := json.Unmarshal(line, &v)
		all = append(all, v)
		return err
	}))
	var out []byte
	for _, v := range change(all) {
		line, err := json.Marshal(v)
		d.must(err)
		out = append(append(out, line...), '\n')
	}
	if zipped := strings.TrimSuffix(name, ".gz"); zipped != name {
		d.must(os.Remove(name))
		name = zipped
	}
	d.must(os.WriteFile(name, out, 0o644))
}

func (d *doctor) operations(change func([]Operation) []Operation) {
	d.Helper()
	edit(d, "operations-*", change)
}

// operation changes the operation of a kind that concerns a workflow ID and a message.
func (d *doctor) operation(kind OperationKind, workflowID, message string, change func(*Operation)) {
	d.Helper()
	d.operations(func(all []Operation) []Operation {
		changed := 0
		for i := range all {
			if op := &all[i]; op.Kind == kind && op.WorkflowID == workflowID && op.Message == message && op.Outcome == Acknowledged {
				change(op)
				changed++
			}
		}
		if changed == 0 {
			d.Fatalf("no %s of %s", kind, workflowID)
		}
		return all
	})
}

func (d *doctor) addOperation(op Operation) {
	d.Helper()
	op.Begun, op.Ended, op.Outcome = cmp.Or(op.Begun, Now()), cmp.Or(op.Ended, Now()), cmp.Or(op.Outcome, Acknowledged)
	d.operations(func(all []Operation) []Operation {
		op.ID = fmt.Sprint("extra-", len(all))
		return append(all, op)
	})
}

func (d *doctor) plan(change func(*Plan)) {
	d.Helper()
	p, err := ReadPlan(d.dir)
	d.must(err)
	change(&p)
	d.must(WritePlan(d.dir, p))
}

// faultOf makes the recorded fault one of a single process, in the middle of an execution.
func (d *doctor) faultOf(pid func(Execution) int) {
	d.Helper()
	var during Execution
	d.executions(func(all []Execution) []Execution {
		for _, x := range all {
			if x.Ended > 0 {
				during = x
			}
		}
		return all
	})
	edit(d, "faults-*", func(all []Fault) []Fault {
		for i := range all {
			all[i].PID, all[i].Begun, all[i].Ended, all[i].Recovered = pid(during), during.Begun+1, during.Ended, 0
		}
		return all
	})
}

// stream changes what is known of a stream.
func (d *doctor) stream(kind string, change func(*Stream)) {
	d.Helper()
	name := d.file("dump/*_" + kind + ".json")
	data, err := os.ReadFile(name)
	d.must(err)
	var s Stream
	d.must(json.Unmarshal(data, &s))
	change(&s)
	data, err = json.Marshal(s)
	d.must(err)
	d.must(os.WriteFile(name, data, 0o644))
}

// messages changes the messages of a stream, which keep their sequences.
func (d *doctor) messages(kind string, change func([]Message) []Message) {
	d.Helper()
	edit(d, "dump/*_"+kind+".jsonl*", func(all []Message) []Message {
		all = change(all)
		d.stream(kind, func(s *Stream) {
			s.Messages = uint64(len(all))
			if n := len(all); n > 0 {
				s.FirstSeq, s.LastSeq = all[0].Seq, max(s.LastSeq, all[n-1].Seq)
			}
		})
		return all
	})
}

// history changes the messages of HISTORY so that nobody can tell by sequences, links and conditions: all of them are
// made anew.
func (d *doctor) history(change func([]Message) []Message) {
	d.Helper()
	d.messages(kindHistory, func(all []Message) []Message {
		all = change(all)
		lastStart, lastRecord := map[string]uint64{}, map[string]*Message{}
		for i := range all {
			m := &all[i]
			m.Seq = uint64(i + 1)
			tokens := strings.Split(m.Subject, ".")
			switch run := strings.Join(tokens[tokenWorkflow:tokenLane], "."); tokens[tokenLane] {
			case "start":
				d.expecting(m, lastStart[tokens[tokenWorkflow]])
				lastStart[tokens[tokenWorkflow]] = m.Seq
			case "history":
				d.relink(m, lastRecord[run])
				lastRecord[run] = m
			}
		}
		d.stream(kindHistory, func(s *Stream) { s.LastSeq = uint64(len(all)) })
		return all
	})
}

func (d *doctor) expecting(m *Message, seq uint64) {
	m.Headers[headerExpected] = []string{strconv.FormatUint(seq, 10)}
}

// relink makes a record name the one before it.
func (d *doctor) relink(m, before *Message) {
	d.Helper()
	d.transition(m, func(t *history.Transition) {
		t.Previous, t.PreviousHash = 0, nil
		if before != nil {
			t.Previous, t.PreviousHash = before.Seq, history.HashRecord(before.Data)
		}
		d.expecting(m, t.Previous)
	})
}

// transition changes a record.
func (d *doctor) transition(m *Message, change func(*history.Transition)) {
	d.Helper()
	t, err := history.DecodeTransition(m.Data)
	d.must(err)
	change(t)
	m.Data, err = history.Encode(t)
	d.must(err)
	m.Headers["Millrace-Transition"] = []string{strconv.FormatUint(t.Number, 10)}
	m.Headers["Millrace-Commit"] = []string{streams.EncodeToken(t.CommitID)}
}

// inLane are the indices of a workflow ID's messages in a lane, which its subject ends with or has a token of.
func inLane(all []Message, workflowID, name string) []int {
	var found []int
	for i := range all {
		if tokens := strings.Split(all[i].Subject, "."); tokens[tokenWorkflow] == workflowID && tokens[tokenLane] == name {
			found = append(found, i)
		}
	}
	return found
}

// record changes record k, counted from 0, of all that a workflow ID's runs have.
func (d *doctor) record(workflowID string, k int, change func(*history.Transition)) {
	d.Helper()
	d.history(func(all []Message) []Message {
		d.transition(&all[inLane(all, workflowID, "history")[k]], change)
		return all
	})
}

// again copies the record at index i behind itself.
func again(all []Message, i int) []Message {
	copied := all[i]
	copied.Headers = map[string][]string{}
	for k, v := range all[i].Headers {
		copied.Headers[k] = v
	}
	return append(all[:i+1:i+1], append([]Message{copied}, all[i+1:]...)...)
}

// without leaves out the messages for which drop says so.
func without(all []Message, drop func(*Message) bool) []Message {
	var kept []Message
	for i := range all {
		if !drop(&all[i]) {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// put adds a message to a queue.
func (d *doctor) put(kind, subject string, data []byte, headers map[string][]string) {
	d.Helper()
	d.messages(kind, func(all []Message) []Message {
		seq := uint64(1)
		if n := len(all); n > 0 {
			seq = all[n-1].Seq + 1
		}
		return append(all, Message{Seq: seq, Subject: subject, Time: Now(), Headers: headers, Data: data})
	})
}

// signalMessage is a signal as an inbox has it.
func (d *doctor) signalMessage(mark string) []byte {
	d.Helper()
	data, err := history.Encode(&history.Message{ID: "id-" + mark, Signal: &history.Signal{Name: "hear", Input: jsonPayloads(strconv.Quote(mark))}})
	d.must(err)
	return data
}

// runID is the run of the n-th start of a workflow ID.
func (d *doctor) runID(workflowID string, n int) string {
	d.Helper()
	id := ""
	d.messages(kindHistory, func(all []Message) []Message {
		id = strings.Split(all[inLane(all, workflowID, "start")[n]].Subject, ".")[tokenRun]
		return all
	})
	return id
}

// fork copies all messages of a workflow ID's only run, as another run, behind each of them.
func (d *doctor) fork(workflowID string) {
	d.Helper()
	const other = "0196fork-0000-7000-8000-000000000000"
	d.history(func(all []Message) []Message {
		var out []Message
		for _, m := range all {
			out = append(out, m)
			tokens := strings.Split(m.Subject, ".")
			if tokens[tokenWorkflow] != workflowID {
				continue
			}
			copied := again([]Message{m}, 0)[1]
			tokens[tokenRun] = other
			copied.Subject = strings.Join(tokens, ".")
			switch tokens[tokenLane] {
			case "start":
				s, err := history.DecodeStart(m.Data)
				d.must(err)
				s.Run.RunID = other
				copied.Data, err = history.Encode(s)
				d.must(err)
			case "history":
				d.transition(&copied, func(t *history.Transition) { t.RunID, t.CommitID = other, t.CommitID+"-2" })
			default:
				d.must(errors.New("only starts and records can be copied"))
			}
			out = append(out, copied)
		}
		return out
	})
}

func (d *doctor) executions(change func([]Execution) []Execution) {
	d.Helper()
	edit(d, "executions-*", change)
}

// executedAgain adds an execution of the activity that was executed first, or whatever else pick chooses, after some
// nanoseconds.
func (d *doctor) executedAgain(pick func(Execution) bool, after int64) {
	d.Helper()
	d.executions(func(all []Execution) []Execution {
		for _, x := range all {
			if x.Ended > 0 && pick(x) {
				x.Number, x.Begun, x.Ended = 1000, x.Begun+after, x.Ended+after
				return append(all, x)
			}
		}
		d.Fatal("there is no such execution")
		return nil
	})
}
