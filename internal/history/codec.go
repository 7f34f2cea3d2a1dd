package history

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"unsafe"
)

// FormatVersion is the version of every record that this package writes, and the newest that it reads.
const FormatVersion = 1

// maxAhead is how much newer than ours a format can be. What claims more was never written by millrace: nobody need be
// waited for who can read it.
const maxAhead = 100

// record is what the codec reads and writes.
type record interface {
	version() *int
	name() string
}

func (s *Start) version() *int          { return &s.Version }
func (t *Transition) version() *int     { return &t.Version }
func (t *TransitionHead) version() *int { return &t.Version }
func (m *Message) version() *int        { return &m.Version }
func (t *Task) version() *int           { return &t.Version }
func (t *TaskToken) version() *int      { return &t.Version }

func (*Start) name() string          { return "start" }
func (*Transition) name() string     { return "transition" }
func (*TransitionHead) name() string { return "transition" }
func (*Message) name() string        { return "message" }
func (*Task) name() string           { return "task" }
func (*TaskToken) name() string      { return "task token" }

// Encode returns the bytes of r and sets its format version.
func Encode(r record) ([]byte, error) {
	*r.version() = FormatVersion
	return marshal(r.name(), recordPlans().of(r).put, reflect.ValueOf(r).UnsafePointer())
}

// HashRecord is what a record says of the bytes of the one before it: the first 8 bytes of their SHA-256.
func HashRecord(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:8]
}

// EncodeEvents returns the bytes of a list of events, as the separate body of an oversized transition holds them.
func EncodeEvents(events []Event) ([]byte, error) {
	return marshal("events", eventsShape().put, unsafe.Pointer(&events))
}

func eventsShape() shape { return recordPlans().shape(reflect.TypeFor[[]Event]()) }

func marshal(name string, put func(*writer, unsafe.Pointer), v unsafe.Pointer) ([]byte, error) {
	w := writers.Get().(*writer)
	defer w.release()
	if put(w, v); w.err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, w.err)
	}
	return bytes.Clone(w.buf), nil
}

// DecodeStart reads a start message's body.
func DecodeStart(data []byte) (*Start, error) { return decode(data, &Start{}) }

// DecodeTransition reads a record of a history.
func DecodeTransition(data []byte) (*Transition, error) { return decode(data, &Transition{}) }

// DecodeEnd reads a record of a history with the last of its events, and passes over those before it.
func DecodeEnd(data []byte) (*Transition, error) {
	return decodeBy(reader{data: data, lastEvent: true}, &Transition{})
}

// DecodeTransitionHead reads what identifies a record of a history, and passes over the rest.
func DecodeTransitionHead(data []byte) (*TransitionHead, error) {
	return decode(data, &TransitionHead{})
}

// DecodeMessage reads an inbox message's body.
func DecodeMessage(data []byte) (*Message, error) { return decode(data, &Message{}) }

// DecodeTask reads an activity task's body.
func DecodeTask(data []byte) (*Task, error) { return decode(data, &Task{}) }

// DecodeTaskToken reads the token of an activity attempt.
func DecodeTaskToken(data []byte) (*TaskToken, error) { return decode(data, &TaskToken{}) }

// DecodeEvents reads what EncodeEvents wrote.
func DecodeEvents(data []byte) ([]Event, error) {
	var events []Event
	if err := unmarshal("events", data, eventsShape().get, unsafe.Pointer(&events)); err != nil {
		return nil, err
	}
	return events, nil
}

func decode[R record](data []byte, r R) (R, error) { return decodeBy(reader{data: data}, r) }

func decodeBy[R record](by reader, r R) (R, error) {
	var none R
	err := unmarshalBy(r.name(), by, recordPlans().of(r).get, reflect.ValueOf(r).UnsafePointer())
	// The version is the first key of every record, so it is known even when a newer version changed the rest.
	switch v := *r.version(); {
	case v > FormatVersion+maxAhead:
		return none, fmt.Errorf("decode %s: format version %d is none of millrace", r.name(), v)
	case v > FormatVersion:
		return none, fmt.Errorf("decode %s: %w", r.name(), &UnknownError{What: "format version", Value: v})
	case err != nil:
		return none, err
	case v < 1:
		return none, fmt.Errorf("decode %s: format version is %d, must be at least 1", r.name(), v)
	}
	return r, nil
}

func unmarshal(name string, data []byte, get func(*reader, unsafe.Pointer), v unsafe.Pointer) error {
	return unmarshalBy(name, reader{data: data}, get, v)
}

// unmarshalBy copies what it reads: nothing that get sets refers to the data.
func unmarshalBy(name string, by reader, get func(*reader, unsafe.Pointer), v unsafe.Pointer) error {
	r := readers.Get().(*reader)
	defer func() {
		*r = reader{}
		readers.Put(r)
	}()
	*r = by
	get(r, v)
	switch {
	case r.err != nil:
		return fmt.Errorf("decode %s: %w", name, r.err)
	case r.pos < len(r.data):
		return fmt.Errorf("decode %s: %d bytes after its end", name, len(r.data)-r.pos)
	}
	return nil
}
