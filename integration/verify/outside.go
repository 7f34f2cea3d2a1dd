package verify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/streams"
)

// outside are the payloads that are stored beside the histories that refer to them. All of them are kept in memory.
type outside struct {
	pieces map[string][]byte // by their subjects' part after the namespace
	store  *payloads.Store
}

var errReadOnly = errors.New("a dump cannot be written to")

func readOutside(e *evidence) (*outside, error) {
	o := &outside{pieces: map[string][]byte{}}
	for i := range e.streams {
		if s := &e.streams[i]; s.kind() == kindPayloads {
			err := e.messages(s, func(m *Message) error {
				_, rest, _ := strings.Cut(m.Subject, ".payload.")
				o.pieces[rest] = m.Data
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	var err error
	o.store, err = payloads.New(o, payloads.Options{})
	return o, err
}

// Name is documented at payloads.Backend, as are the other methods.
func (o *outside) Name() string { return "dump" }

func (o *outside) Limits() streams.Limits { return streams.Limits{} }

func (o *outside) PutPayload(context.Context, history.Run, []byte) (streams.PayloadRef, error) {
	return streams.PayloadRef{}, errReadOnly
}

func (o *outside) GetPayload(_ context.Context, ref streams.PayloadRef) ([]byte, error) {
	var data []byte
	for i := range ref.Pieces {
		key := streams.EncodeToken(ref.Run.WorkflowID) + "." + streams.EncodeToken(ref.Run.RunID) + "." + ref.Hash + "." + strconv.Itoa(i)
		piece, ok := o.pieces[key]
		if !ok {
			return nil, fmt.Errorf("piece %d of payload %s of run %s: %w", i, ref.Hash, ref.Run, streams.ErrNotFound)
		}
		data = append(data, piece...)
	}
	return data, nil
}

// whole is the first payload of a list, fetched if it is a reference; nil for an empty list.
func (o *outside) whole(list *common.Payloads) (*common.Payload, error) {
	if len(list.GetPayloads()) == 0 {
		return nil, nil
	}
	p := list.Payloads[0]
	if !converter.IsReference(p) {
		return p, nil
	}
	var raw converter.RawValue
	if err := o.store.Converter(converter.GetDefaultDataConverter()).FromPayload(p, &raw); err != nil {
		return nil, err
	}
	return raw.Payload(), nil
}
