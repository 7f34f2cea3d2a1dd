package history

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
)

// FormatVersion is the version of every record that this package writes, and the newest that it reads.
const FormatVersion = 1

// record is what the codec reads and writes.
type record interface {
	version() *int
	name() string
}

// timed is a record with times of its own. utc puts them into UTC: the format stores instants, and a time in the
// reader's zone would show workflow code where it is replayed.
type timed interface{ utc() }

func (s *Start) version() *int      { return &s.Version }
func (t *Transition) version() *int { return &t.Version }
func (m *Message) version() *int    { return &m.Version }
func (t *Task) version() *int       { return &t.Version }
func (t *TaskToken) version() *int  { return &t.Version }

func (s *Start) utc()      { s.Time, s.ExecutionExpiry = s.Time.UTC(), s.ExecutionExpiry.UTC() }
func (t *Transition) utc() { t.Time = t.Time.UTC() }
func (t *Trouble) utc()    { t.Since = t.Since.UTC() }
func (t *Task) utc()       { t.Scheduled, t.NotBefore = t.Scheduled.UTC(), t.NotBefore.UTC() }

func (m *Message) utc() {
	if m.Activity != nil {
		m.Activity.Started = m.Activity.Started.UTC()
	}
	if m.WakeUp != nil {
		m.WakeUp.Due = m.WakeUp.Due.UTC()
	}
}

func (*Start) name() string      { return "start" }
func (*Transition) name() string { return "transition" }
func (*Message) name() string    { return "message" }
func (*Task) name() string       { return "task" }
func (*TaskToken) name() string  { return "task token" }

// Encode returns the bytes of r and sets its format version.
func Encode(r record) ([]byte, error) {
	*r.version() = FormatVersion
	return marshal(r.name(), r)
}

// HashRecord is what a record says of the bytes of the one before it: the first 8 bytes of their SHA-256.
func HashRecord(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:8]
}

// EncodeEvents returns the bytes of a list of events, as the separate body of an oversized transition holds them.
func EncodeEvents(events []Event) ([]byte, error) { return marshal("events", events) }

func marshal(name string, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := msgpack.GetEncoder()
	defer msgpack.PutEncoder(enc)
	enc.Reset(&buf)
	enc.UseCompactInts(true)
	enc.SetSortMapKeys(true)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	// What nobody could read must not be written.
	if err := checkNesting(buf.Bytes()); err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// DecodeStart reads a start message's body.
func DecodeStart(data []byte) (*Start, error) { return decode(data, &Start{}) }

// DecodeTransition reads a record of a history.
func DecodeTransition(data []byte) (*Transition, error) { return decode(data, &Transition{}) }

// DecodeMessage reads an inbox message's body.
func DecodeMessage(data []byte) (*Message, error) { return decode(data, &Message{}) }

// DecodeTask reads an activity task's body.
func DecodeTask(data []byte) (*Task, error) { return decode(data, &Task{}) }

// DecodeTaskToken reads the token of an activity attempt.
func DecodeTaskToken(data []byte) (*TaskToken, error) { return decode(data, &TaskToken{}) }

// DecodeEvents reads what EncodeEvents wrote.
func DecodeEvents(data []byte) ([]Event, error) {
	var events []Event
	if err := unmarshal("events", data, &events); err != nil {
		return nil, err
	}
	return events, nil
}

func decode[R record](data []byte, r R) (R, error) {
	var none R
	err := unmarshal(r.name(), data, r)
	// The version is the first key of every record, so it is known even when a newer version changed the rest.
	switch v := *r.version(); {
	case v > FormatVersion:
		return none, fmt.Errorf("decode %s: %w", r.name(), &UnknownError{What: "format version", Value: v})
	case err != nil:
		return none, err
	case v < 1:
		return none, fmt.Errorf("decode %s: format version is %d, must be at least 1", r.name(), v)
	}
	if t, ok := any(r).(timed); ok {
		t.utc()
	}
	return r, nil
}

var readers = sync.Pool{New: func() any { return new(bytes.Reader) }}

func unmarshal(name string, data []byte, v any) error {
	if err := checkNesting(data); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	dec := msgpack.GetDecoder()
	defer msgpack.PutDecoder(dec)
	r := readers.Get().(*bytes.Reader)
	defer readers.Put(r)
	r.Reset(data)
	dec.Reset(r)
	if err := decodeSafely(dec, v); err != nil {
		return fmt.Errorf("decode %s: %w", name, err)
	}
	if r.Len() > 0 {
		return fmt.Errorf("decode %s: %d bytes after its end", name, r.Len())
	}
	return nil
}

// decodeSafely makes an error of a panic in the msgpack library: it panics on nil in the place of a time, and no bytes
// may stop a process.
func decodeSafely(dec *msgpack.Decoder, v any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed msgpack: %v", p)
		}
	}()
	return dec.Decode(v)
}
