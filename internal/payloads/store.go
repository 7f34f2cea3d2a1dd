package payloads

import (
	"context"
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// DefaultMaxSize is the default of Options.MaxSize.
	DefaultMaxSize = 64 << 20
	// maxInline bounds in bytes what may stay of one call's arguments or results where the backend names no limits.
	maxInline = 512 << 10
	// tightThreshold is the size in bytes from which on payloads are stored when all of them together are too large.
	tightThreshold = 4 << 10
)

// Options say what is stored where.
type Options struct {
	// External is client.Options.ExternalStorage. Without drivers payloads are stored in NATS.
	External converter.ExternalStorage
	// MaxSize bounds in bytes the arguments or results of one call. Default DefaultMaxSize.
	MaxSize int
	// Warning is the size in bytes from which on Logger is told of arguments or results that stay in messages. 0: never.
	Warning int
	Logger  log.Logger
}

// Store stores and fetches payloads. It is safe for concurrent use.
type Store struct {
	backend Backend
	// usual stores what is large, tight all but the small; both know the same drivers.
	usual, tight *converter.PayloadStore
	threshold    int
	// least is the size from which on a payload can be stored at all.
	least       int
	max, inline int
	warning     int
	logger      log.Logger
	found       *found
	// suspect says whether something may have to be done about a payload, alone or together with others.
	suspect func(*common.Payload) bool
}

// New returns a Store that keeps payloads at backend, unless the options name other drivers.
func New(backend Backend, o Options) (*Store, error) {
	external := o.External
	external.Drivers = slices.Clone(external.Drivers)
	// It is there to read what was stored before other drivers were configured, and last, so that it is not chosen.
	external.Drivers = append(external.Drivers, &driver{backend})
	s := &Store{backend: backend, max: o.MaxSize, inline: maxInline, warning: o.Warning, logger: o.Logger, found: newFound()}
	if o.MaxSize < 0 {
		return nil, fmt.Errorf("the largest size of payloads is %d: it must not be negative", o.MaxSize)
	}
	if s.max == 0 {
		s.max = DefaultMaxSize
	}
	if s.logger == nil {
		s.logger = log.Discard{}
	}
	limits := backend.Limits()
	if limits.MaxPayload > 0 {
		s.inline = limits.MaxInline
	}
	var err error
	s.usual, err = converter.NewPayloadStore(external)
	if err == nil && limits.MaxPayload > 0 && s.usual.Threshold() > limits.MaxSingle {
		// A result may have to travel beside the arguments of the next run.
		external.PayloadSizeThreshold = limits.MaxSingle
		s.usual, err = converter.NewPayloadStore(external)
	}
	if err != nil {
		return nil, err
	}
	s.threshold = min(s.usual.Threshold(), s.inline)
	least := min(tightThreshold, s.threshold)
	s.least = least
	s.suspect = func(p *common.Payload) bool { return len(p.GetData()) >= least/2 || converter.IsReference(p) }
	external.PayloadSizeThreshold, external.DriverSelector = least, nil
	s.tight, err = converter.NewPayloadStore(external)
	return s, err
}

// MaxSize bounds in bytes the arguments or results of one call.
func (s *Store) MaxSize() int { return s.max }

// Threshold is the size in bytes below which lists of payloads, with all that is around them, are left as they are.
func (s *Store) Threshold() int { return s.threshold }

// TooLargeError says that the arguments or results of one call are larger than the limit.
type TooLargeError struct{ Size, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%d bytes, the limit is %d", e.Size, e.Limit)
}

// Unwrap returns streams.ErrTooLarge.
func (e *TooLargeError) Unwrap() error { return streams.ErrTooLarge }

// Put returns the list with references in place of what is stored under the run, list itself when nothing is. What
// remains fits a message. The error is a *TooLargeError for more than MaxSize. A nil Store stores nothing.
func (s *Store) Put(ctx context.Context, run history.Run, list *common.Payloads) (*common.Payloads, error) {
	if s == nil {
		return list, nil
	}
	size := list.Size()
	if size < s.threshold {
		s.warn(run, size)
		return list, nil
	}
	if size > s.max {
		return nil, &TooLargeError{Size: size, Limit: s.max}
	}
	store := converter.StorageDriverStoreContext{Context: ctx, Target: converter.StorageDriverWorkflowInfo{
		Namespace: s.backend.Name(), WorkflowID: run.WorkflowID, RunID: run.RunID}}
	kept, err := s.usual.Store(store, list.Payloads)
	if err == nil && framed(kept) > s.inline {
		kept, err = s.tight.Store(store, kept)
	}
	if err != nil {
		return nil, fmt.Errorf("payloads of run %s: %w", run, err)
	}
	rest := framed(kept)
	if rest > s.inline {
		return nil, fmt.Errorf("payloads of run %s: too many: %w", run, &TooLargeError{Size: rest, Limit: s.inline})
	}
	s.warn(run, rest)
	return &common.Payloads{Payloads: kept}, nil
}

// framed is how much a message has to hold for the list.
func framed(list []*common.Payload) int {
	return (&common.Payloads{Payloads: list}).Size() + len(list)*history.FieldOverhead
}

// maxReference is about how many bytes a reference has.
const maxReference = 1 << 10

// Fits says whether Put will find room for the list: else what cannot be stored is of more than limit bytes.
func (s *Store) Fits(list *common.Payloads) (size, limit int, ok bool) {
	if framed(list.GetPayloads()) <= s.inline {
		return 0, s.inline, true
	}
	for _, p := range list.Payloads {
		n := framed([]*common.Payload{p})
		if n >= s.least {
			n = min(n, maxReference)
		}
		size += n
	}
	return size, s.inline, size <= s.inline
}

func (s *Store) warn(run history.Run, size int) {
	if s.warning > 0 && size >= s.warning {
		s.logger.Warn("arguments or results are large for a history", "run", run.String(), "bytes", size, "warning", s.warning)
	}
}

// PutFailure is Put for the details of a failure. Those that are larger than MaxSize stay, for the caller to cut.
func (s *Store) PutFailure(ctx context.Context, run history.Run, f *failure.Failure) (*failure.Failure, error) {
	if s == nil || f == nil {
		return f, nil
	}
	return history.MapFailurePayloads(f, run, func(run history.Run, list *common.Payloads) (*common.Payloads, error) {
		if list.Size() > s.max {
			return list, nil
		}
		return s.Put(ctx, run, list)
	})
}

// PutEvents is Put for the events of a run. References to payloads of other runs become references to copies under this
// one: a run must not lose its payloads because another one is deleted.
func (s *Store) PutEvents(ctx context.Context, run history.Run, events []history.Event) ([]history.Event, error) {
	if !slices.ContainsFunc(events, func(e history.Event) bool { return e.AnyPayload(s.suspect) }) {
		return events, nil
	}
	result := slices.Clone(events)
	for i, e := range events {
		var err error
		result[i], err = e.MapPayloads(run, func(run history.Run, list *common.Payloads) (*common.Payloads, error) {
			adopted, err := s.adopt(ctx, run, list)
			if err != nil {
				return nil, err
			}
			return s.Put(ctx, run, adopted)
		})
		if err != nil {
			return nil, fmt.Errorf("event %v of run %s: %w", e, run, err)
		}
	}
	return result, nil
}

// adopt copies what the list refers to in other runs.
func (s *Store) adopt(ctx context.Context, run history.Run, list *common.Payloads) (*common.Payloads, error) {
	var kept []*common.Payload
	for i, p := range list.Payloads {
		if !isForeign(run, p) {
			continue
		}
		whole, err := s.whole(ctx, p)
		if err != nil {
			return nil, err
		}
		copied, err := s.tight.Store(converter.StorageDriverStoreContext{Context: ctx, Target: converter.StorageDriverWorkflowInfo{
			Namespace: s.backend.Name(), WorkflowID: run.WorkflowID, RunID: run.RunID}}, []*common.Payload{whole})
		if err != nil {
			return nil, err
		}
		if kept == nil {
			kept = slices.Clone(list.Payloads)
		}
		kept[i] = copied[0]
	}
	if kept == nil {
		return list, nil
	}
	return &common.Payloads{Payloads: kept}, nil
}

// isForeign says whether p refers to a payload that is stored in NATS under another run. What other drivers store is
// theirs to keep.
func isForeign(run history.Run, p *common.Payload) bool {
	if !converter.IsReference(p) {
		return false
	}
	r, err := converter.ReadReference(p)
	return err == nil && r.Driver == DriverName && runOf(r.Claim) != run
}
