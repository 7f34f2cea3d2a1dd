package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// evidence is everything in a directory but the messages of the streams, which are read one by one.
type evidence struct {
	dir          string
	plan         Plan
	operations   []Operation
	faults       []Fault
	expectations map[string]Expectation // by workflow ID
	prefixes     []Expectation
	executions   map[activityKey]*executed
	streams      []Stream
}

// activityKey names an activity among all runs.
type activityKey struct{ workflowID, runID, activityID string }

func readEvidence(dir string) (*evidence, error) {
	e := &evidence{dir: dir, expectations: map[string]Expectation{}, executions: map[activityKey]*executed{}}
	var err error
	if e.plan, err = ReadPlan(dir); err != nil {
		return nil, err
	}
	if e.operations, err = readLast(dir, "operations-*.jsonl", func(op *Operation) string { return op.ID }); err != nil {
		return nil, err
	}
	if e.faults, err = readLast(dir, "faults-*.jsonl", func(f *Fault) string { return f.ID }); err != nil {
		return nil, err
	}
	err = readAll(dir, "expectations-*.jsonl", func(_ int, x Expectation) error {
		if x.WorkflowID == "" {
			e.prefixes = append(e.prefixes, x)
		} else {
			e.expectations[x.WorkflowID] = x
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := e.readExecutions(); err != nil {
		return nil, err
	}
	return e, e.readStreams()
}

// readLast reads the values of files, of those with the same ID in one file the last.
func readLast[T any](dir, pattern string, id func(*T) string) ([]T, error) {
	var all []T
	type key struct {
		file int
		id   string
	}
	at := map[key]int{}
	err := readAll(dir, pattern, func(file int, v T) error {
		k := key{file, id(&v)}
		if k.id == "" {
			return errors.New("no ID")
		}
		if i, again := at[k]; again {
			all[i] = v
			return nil
		}
		at[k] = len(all)
		all = append(all, v)
		return nil
	})
	return all, err
}

// expectation finds what is expected of a workflow ID.
func (e *evidence) expectation(workflowID string) (Expectation, bool) {
	if x, ok := e.expectations[workflowID]; ok {
		return x, true
	}
	for _, x := range e.prefixes {
		if strings.HasPrefix(workflowID, x.Prefix) {
			return x, true
		}
	}
	return Expectation{}, false
}

func (e *evidence) readStreams() error {
	names, err := filepath.Glob(filepath.Join(e.dir, dumpDirectory, "*"+streamFile))
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var s Stream
		if err := json.Unmarshal(data, &s); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		e.streams = append(e.streams, s)
	}
	if !slices.ContainsFunc(e.streams, func(s Stream) bool { return s.kind() == kindHistory }) {
		return fmt.Errorf("there is no dump of a history in %s", filepath.Join(e.dir, dumpDirectory))
	}
	return nil
}

// kind is what the stream holds. A namespace's name may hold underscores, a kind does not.
func (s *Stream) kind() string { return s.Name[strings.LastIndexByte(s.Name, '_')+1:] }

// messages calls each with every message of a stream, in order, and checks that the dump is whole.
func (e *evidence) messages(s *Stream, each func(*Message) error) error {
	count, last := uint64(0), uint64(0)
	read := func(line []byte) error {
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			return err
		}
		if m.Seq <= last {
			return fmt.Errorf("sequence %d follows %d", m.Seq, last)
		}
		count, last = count+1, m.Seq
		return each(&m)
	}
	name := filepath.Join(e.dir, dumpDirectory, s.Name)
	err := readLines(name+messagesFile, false, read)
	if errors.Is(err, fs.ErrNotExist) {
		err = readLines(name+plainFile, false, read)
	}
	if err == nil && count != s.Messages {
		err = fmt.Errorf("the dump of stream %s has %d messages, the stream %d", s.Name, count, s.Messages)
	}
	return err
}
