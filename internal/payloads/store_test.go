package payloads

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// memory is a Backend in memory.
type memory struct {
	mu     sync.Mutex // guards the rest
	stored map[streams.PayloadRef][]byte
	reads  int
	err    error
}

func newMemory() *memory { return &memory{stored: map[streams.PayloadRef][]byte{}} }

func (m *memory) Name() string           { return "test" }
func (m *memory) Limits() streams.Limits { return streams.LimitsOf(1 << 20) }

func (m *memory) PutPayload(_ context.Context, run history.Run, data []byte) (streams.PayloadRef, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := sha256.Sum256(data)
	ref := streams.PayloadRef{Run: run, Hash: hex.EncodeToString(sum[:]), Pieces: 1}
	m.stored[ref] = data
	return ref, m.err
}

func (m *memory) GetPayload(_ context.Context, ref streams.PayloadRef) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	data, ok := m.stored[ref]
	if !ok {
		return nil, errors.Join(streams.ErrNotFound, m.err)
	}
	return data, m.err
}

func newStore(t *testing.T, m *memory, o Options) *Store {
	t.Helper()
	s, err := New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(t *testing.T, values ...any) *common.Payloads {
	t.Helper()
	list, err := converter.GetDefaultDataConverter().ToPayloads(values...)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var (
	own   = history.Run{WorkflowID: "w", RunID: "r"}
	other = history.Run{WorkflowID: "w", RunID: "other"}
)

func long(n int) string { return strings.Repeat("x", n) }

func TestPutLeavesWhatIsSmall(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := newStore(t, m, Options{})
	list := encode(t, long(200<<10), 1)
	if got, err := s.Put(t.Context(), own, list); err != nil || got != list {
		t.Errorf("a small list: %p, want %p, %v", got, list, err)
	}
	got, err := s.Put(t.Context(), own, encode(t, long(300<<10), 1))
	if err != nil || !converter.IsReference(got.Payloads[0]) || converter.IsReference(got.Payloads[1]) || len(m.stored) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	var nobody *Store
	if got, err := nobody.Put(t.Context(), own, list); err != nil || got != list {
		t.Errorf("no store: %v, %v", got, err)
	}
}

func TestPutMakesListsFit(t *testing.T) {
	t.Parallel()
	s := newStore(t, newMemory(), Options{MaxSize: 2 << 20})
	var values []any
	for i := range 8 {
		values = append(values, fmt.Sprint(i, long(200<<10)))
	}
	got, err := s.Put(t.Context(), own, encode(t, values...))
	if err != nil || got.Size() > maxInline {
		t.Errorf("%d bytes remain, %v", got.Size(), err)
	}
	var tooLarge *TooLargeError
	if _, err := s.Put(t.Context(), own, encode(t, long(2<<20))); !errors.As(err, &tooLarge) || tooLarge.Limit != 2<<20 || !errors.Is(err, streams.ErrTooLarge) {
		t.Errorf("error is %v", err)
	}
	values = nil
	for range 300 {
		values = append(values, long(2<<10))
	}
	if _, err := s.Put(t.Context(), own, encode(t, values...)); !errors.As(err, &tooLarge) {
		t.Errorf("many small values: %v", err)
	}
}

func TestConverterFollowsReferences(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := newStore(t, m, Options{})
	dc := s.Converter(converter.GetDefaultDataConverter())
	list, err := s.Put(t.Context(), own, encode(t, long(300<<10), 7))
	if err != nil {
		t.Fatal(err)
	}
	var text string
	var n int
	if err := dc.FromPayloads(list, &text, &n); err != nil || len(text) != 300<<10 || n != 7 {
		t.Errorf("got %d bytes, %d, %v", len(text), n, err)
	}
	text = ""
	if err := dc.FromPayload(list.Payloads[0], &text); err != nil || len(text) != 300<<10 {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
	clear(m.stored)
	if err := dc.FromPayloads(list, &text); !errors.Is(err, converter.ErrPayloadLost) {
		t.Errorf("lost: %v", err)
	}
	m.err = streams.ErrUnavailable
	m.stored[streams.PayloadRef{}] = nil
	if err := dc.FromPayload(list.Payloads[0], &text); !errors.Is(err, streams.ErrUnavailable) {
		t.Errorf("outage: %v", err)
	}
}

func TestFetchedPayloadsAreNotFetchedAgain(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := newStore(t, m, Options{})
	list, err := s.Put(t.Context(), own, encode(t, long(300<<10)))
	if err != nil {
		t.Fatal(err)
	}
	start := &history.Start{Input: list}
	events := []history.Event{
		history.NewEvent(2, &history.ActivityTaskScheduled{Input: encodeReference(t, s)}), // the code does not read it
		history.NewEvent(3, &history.ActivityTaskCompleted{Result: list}),
	}
	if err := s.FetchEvents(t.Context(), start, events); err != nil || m.reads != 1 {
		t.Errorf("%d reads, %v", m.reads, err)
	}
	var text string
	dc := s.Converter(converter.GetDefaultDataConverter())
	if err := dc.FromPayloads(list, &text); err != nil || m.reads != 1 {
		t.Errorf("decoding it made %d reads, %v", m.reads, err)
	}
	runtime.KeepAlive(list)
	list, start, events = nil, nil, nil
	for range 20 {
		runtime.GC()
		if s.found.len() == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d payloads outlive their references", s.found.len())
}

func (f *found) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.wholes)
}

func encodeReference(t *testing.T, s *Store) *common.Payloads {
	t.Helper()
	list, err := s.Put(t.Context(), own, encode(t, long(400<<10)))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEventsReferToPayloadsOfTheirOwnRun(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := newStore(t, m, Options{})
	foreign, err := s.Put(t.Context(), other, encode(t, long(300<<10)))
	if err != nil {
		t.Fatal(err)
	}
	events := []history.Event{
		history.NewEvent(2, &history.WorkflowExecutionSignaled{Signal: history.Signal{Input: foreign}}),
		history.NewEvent(3, &history.StartChildWorkflowExecutionInitiated{WorkflowID: "c", RunID: "cr", Input: encode(t, long(300<<10))}),
		history.NewEvent(4, &history.WorkflowExecutionCompleted{Result: encode(t, long(500<<10))}),
	}
	before := fmt.Sprint(events)
	got, err := s.PutEvents(t.Context(), own, events)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(events) != before {
		t.Error("the events have changed")
	}
	runs := []history.Run{own, {WorkflowID: "c", RunID: "cr"}, own}
	for i, list := range []*common.Payloads{
		got[0].Attributes.(*history.WorkflowExecutionSignaled).Input,
		got[1].Attributes.(*history.StartChildWorkflowExecutionInitiated).Input,
		got[2].Attributes.(*history.WorkflowExecutionCompleted).Result,
	} {
		r, err := converter.ReadReference(list.Payloads[0])
		if err != nil || runOf(r.Claim) != runs[i] {
			t.Errorf("event %d refers to %+v, want run %v (%v)", i, r, runs[i], err)
		}
	}
	again, err := s.PutEvents(t.Context(), own, got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got[0].Attributes, again[0].Attributes); diff != "" {
		t.Errorf("what the run has is stored again: %s", diff)
	}
}

func TestSmallEventsCostNoMemory(t *testing.T) {
	s := newStore(t, newMemory(), Options{})
	small := []history.Event{history.NewEvent(2, &history.TimerFired{Started: 1}), history.NewEvent(3, &history.ActivityTaskCompleted{Result: encode(t, 1)})}
	if n := testing.AllocsPerRun(100, func() { _, _ = s.PutEvents(t.Context(), own, small) }); n > 0 {
		t.Errorf("small events cost %v allocations", n)
	}
}

func TestFailuresRefer(t *testing.T) {
	t.Parallel()
	s := newStore(t, newMemory(), Options{})
	fc := millrace.GetDefaultFailureConverter()
	f, err := s.PutFailure(t.Context(), own, fc.ErrorToFailure(millrace.NewApplicationError("m", "T", long(300<<10))))
	if err != nil || !converter.IsReference(f.ApplicationFailureInfo.Details.Payloads[0]) {
		t.Fatalf("got %+v, %v", f, err)
	}
	var app *millrace.ApplicationError
	var text string
	if !errors.As(s.FailureConverter(fc).FailureToError(f), &app) || app.Details(&text) != nil || len(text) != 300<<10 {
		t.Errorf("got %v with %d bytes", app, len(text))
	}
}

func TestBadReferencesAreErrors(t *testing.T) {
	t.Parallel()
	s := newStore(t, newMemory(), Options{})
	dc := s.Converter(converter.GetDefaultDataConverter())
	for _, data := range []string{`{`, `{}`, `{"driver_name":"s3"}`, `{"driver_name":"nats"}`,
		`{"driver_name":"nats","driver_claim":{"claim_data":{"pieces":"1","metadata":"{"}}}`} {
		p := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/external-storage-reference")}, Data: []byte(data)}
		var text string
		if err := dc.FromPayload(p, &text); err == nil {
			t.Errorf("%s: no error", data)
		}
	}
}
