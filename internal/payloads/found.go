package payloads

import (
	"context"
	"runtime"
	"sync"
	"weak"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// found are payloads that were fetched for references in memory: each lives as long as its reference.
type found struct {
	mu     sync.Mutex // guards wholes
	wholes map[weak.Pointer[common.Payload]]*common.Payload
}

func newFound() *found { return &found{wholes: map[weak.Pointer[common.Payload]]*common.Payload{}} }

func (f *found) get(reference *common.Payload) *common.Payload {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wholes[weak.Make(reference)]
}

func (f *found) put(reference, whole *common.Payload) {
	key := weak.Make(reference)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.wholes[key]; !ok {
		runtime.AddCleanup(reference, f.forget, key)
	}
	f.wholes[key] = whole
}

func (f *found) forget(key weak.Pointer[common.Payload]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.wholes, key)
}

// whole is the payload that a reference stands for.
func (s *Store) whole(ctx context.Context, reference *common.Payload) (*common.Payload, error) {
	if p := s.found.get(reference); p != nil {
		return p, nil
	}
	list, err := s.usual.Retrieve(converter.StorageDriverRetrieveContext{Context: ctx}, []*common.Payload{reference})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// wholes is the list with payloads in place of references, list itself when there are none.
func (s *Store) wholes(ctx context.Context, list *common.Payloads) (*common.Payloads, error) {
	var result []*common.Payload
	for i, p := range list.GetPayloads() {
		if !converter.IsReference(p) {
			continue
		}
		whole, err := s.whole(ctx, p)
		if err != nil {
			return nil, err
		}
		if result == nil {
			result = append(result, list.Payloads...)
		}
		result[i] = whole
	}
	if result == nil {
		return list, nil
	}
	return &common.Payloads{Payloads: result}, nil
}

// Whole is the list with what is stored in the place of references, list itself when there are none. It is for readers
// that cannot fetch what references stand for.
func (s *Store) Whole(ctx context.Context, list *common.Payloads) (*common.Payloads, error) {
	return s.wholes(ctx, list)
}

// WholeFailure is Whole for the details of a failure.
func (s *Store) WholeFailure(ctx context.Context, f *failure.Failure) (*failure.Failure, error) {
	return history.MapFailurePayloads(f, history.Run{}, func(_ history.Run, list *common.Payloads) (*common.Payloads, error) {
		return s.wholes(ctx, list)
	})
}

// maxFetched bounds in bytes what one call of Fetch keeps in memory. What is beyond it is fetched when it is decoded.
const maxFetched = 256 << 20

// Fetch fetches what the list refers to, so that decoding it later, through Converter, does not wait.
func (s *Store) Fetch(ctx context.Context, list *common.Payloads) error {
	return s.fetch(ctx, list, &fetched{})
}

// fetched counts bytes.
type fetched struct{ size int }

func (s *Store) fetch(ctx context.Context, list *common.Payloads, sum *fetched) error {
	for _, p := range list.GetPayloads() {
		if !converter.IsReference(p) || sum.size >= maxFetched || s.found.get(p) != nil {
			continue
		}
		whole, err := s.whole(ctx, p)
		if err != nil {
			return err
		}
		s.found.put(p, whole)
		sum.size += len(whole.Data)
	}
	return nil
}

// FetchEvents is Fetch for what workflow code may read of a run: its start, unless nil, and those of the events that are
// inputs or that keep what the code once found out.
func (s *Store) FetchEvents(ctx context.Context, start *history.Start, events []history.Event) error {
	sum := &fetched{}
	visit := func(_ history.Run, list *common.Payloads) (*common.Payloads, error) {
		return list, s.fetch(ctx, list, sum)
	}
	if start != nil && start.AnyPayload(converter.IsReference) {
		if _, err := start.MapPayloads(visit); err != nil {
			return err
		}
	}
	for _, e := range events {
		if !readByCode(e) || !e.AnyPayload(converter.IsReference) {
			continue
		}
		if _, err := e.MapPayloads(history.Run{}, visit); err != nil {
			return err
		}
	}
	return nil
}

func readByCode(e history.Event) bool {
	_, marker := e.Attributes.(*history.MarkerRecorded)
	return marker || e.IsInput()
}

// Restore puts payloads in the place of references that workflow code may read, in events in place, and returns the start
// with its own. The transitions must be the caller's alone. When it fails the start is returned as it is.
func (s *Store) Restore(ctx context.Context, start *history.Start, transitions []*history.Transition) (*history.Start, error) {
	visit := func(_ history.Run, list *common.Payloads) (*common.Payloads, error) { return s.wholes(ctx, list) }
	whole, err := start.MapPayloads(visit)
	if err != nil {
		return start, err
	}
	for _, t := range transitions {
		for i, e := range t.Events {
			if !readByCode(e) {
				continue
			}
			if t.Events[i], err = e.MapPayloads(start.Run.Run, visit); err != nil {
				return start, err
			}
		}
	}
	return whole, nil
}

// Refer says whether code that runs on a history may read payloads that are stored outside it.
func Refer(start *history.Start, transitions []*history.Transition) bool {
	if start.AnyPayload(converter.IsReference) {
		return true
	}
	for _, t := range transitions {
		for _, e := range t.Events {
			if readByCode(e) && e.AnyPayload(converter.IsReference) {
				return true
			}
		}
	}
	return false
}
