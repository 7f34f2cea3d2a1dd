package converter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/millrace-dev/millrace/api/common"
)

// maxMsgpackDepth is how deep arrays and maps may nest. It is the limit of encoding/json, which guards the same thing:
// the decoder recurses, and a goroutine that outgrows its stack takes the process with it.
const maxMsgpackDepth = 10000

// MsgpackPayloadConverter encodes any value as MessagePack: smaller and faster than JSON where nobody reads along.
// Fields are named by their msgpack tag, else their json tag, else their name; map keys are sorted.
type MsgpackPayloadConverter struct{}

// NewMsgpackPayloadConverter returns a MsgpackPayloadConverter.
func NewMsgpackPayloadConverter() *MsgpackPayloadConverter {
	return &MsgpackPayloadConverter{}
}

// ToPayload takes every value; one that MessagePack cannot hold (a channel, a function) is an error.
func (c *MsgpackPayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	var b bytes.Buffer
	enc := msgpack.GetEncoder()
	defer msgpack.PutEncoder(enc)
	enc.Reset(&b)
	enc.SetCustomStructTag("json")
	enc.SetSortMapKeys(true)
	enc.UseCompactInts(true)
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
	}
	return newPayload(b.Bytes(), MetadataEncodingMsgpack), nil
}

// FromPayload decodes the object into what valuePtr points to. Bytes after the object are an error.
func (c *MsgpackPayloadConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	if _, err := targetOf(valuePtr); err != nil {
		return err
	}
	data := payload.GetData()
	if err := checkMsgpack(data); err != nil {
		return fmt.Errorf("%w: %w", ErrUnableToDecode, err)
	}
	if err := decodeMsgpack(data, valuePtr); err != nil {
		return fmt.Errorf("%w: %w", ErrUnableToDecode, err)
	}
	return nil
}

// decodeMsgpack recovers because the library panics where an object meets a target that it cannot go into, such as an
// array as the key of a map[any]any: what is on the wire decides that, not the program.
func decodeMsgpack(data []byte, valuePtr interface{}) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("object does not fit %T: %v", valuePtr, p)
		}
	}()
	dec := msgpack.NewDecoder(bytes.NewReader(data))
	dec.SetCustomStructTag("json")
	return dec.Decode(valuePtr)
}

// ToString shows the object in Go's notation for maps and slices.
func (c *MsgpackPayloadConverter) ToString(payload *common.Payload) string {
	var value interface{}
	if err := c.FromPayload(payload, &value); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%+v", value)
}

// Encoding returns MetadataEncodingMsgpack.
func (c *MsgpackPayloadConverter) Encoding() string { return MetadataEncodingMsgpack }

var (
	errMsgpackShort    = errors.New("object ends early")
	errMsgpackTrailing = errors.New("bytes after the object")
)

// checkMsgpack walks over one object without decoding it. It refuses lengths that the data cannot hold, for which the
// library would allocate before it reads, and nesting beyond maxMsgpackDepth.
func checkMsgpack(data []byte) error {
	// open holds how many objects each enclosing array or map still needs; the object itself is one.
	open := []uint64{1}
	for len(open) > 0 {
		last := len(open) - 1
		if open[last] == 0 {
			open = open[:last]
			continue
		}
		open[last]--
		size, children, ok := msgpackHead(data)
		if !ok || uint64(len(data)) < size || children > uint64(len(data))-size {
			return errMsgpackShort
		}
		data = data[size:]
		if children > 0 {
			if len(open) > maxMsgpackDepth {
				return fmt.Errorf("nesting is deeper than %d", maxMsgpackDepth)
			}
			open = append(open, children)
		}
	}
	if len(data) > 0 {
		return errMsgpackTrailing
	}
	return nil
}

// msgpackHead returns how many bytes the object at the start of data takes by itself and how many objects follow
// inside it; false when data ends within its length.
func msgpackHead(data []byte) (size, children uint64, ok bool) {
	if len(data) == 0 {
		return 0, 0, false
	}
	c := data[0]
	switch {
	case c <= 0x7f || c >= 0xe0 || (c >= 0xc0 && c <= 0xc3): // small integers, nil, unused, booleans
		return 1, 0, true
	case c <= 0x8f:
		return 1, 2 * uint64(c&0x0f), true
	case c <= 0x9f:
		return 1, uint64(c & 0x0f), true
	case c <= 0xbf:
		return 1 + uint64(c&0x1f), 0, true
	case c >= 0xca && c <= 0xd3: // floats and integers of fixed width
		widths := [...]uint64{4, 8, 1, 2, 4, 8, 1, 2, 4, 8}
		return 1 + widths[c-0xca], 0, true
	case c >= 0xd4 && c <= 0xd8: // extensions of fixed width, with a type byte
		return 2 + 1<<(c-0xd4), 0, true
	}
	return msgpackLongHead(c, data[1:])
}

// msgpackLongHead is msgpackHead for the objects whose length stands in the bytes after the code c.
func msgpackLongHead(c byte, rest []byte) (size, children uint64, ok bool) {
	width := 1
	switch c {
	case 0xc5, 0xc8, 0xda, 0xdc, 0xde:
		width = 2
	case 0xc6, 0xc9, 0xdb, 0xdd, 0xdf:
		width = 4
	}
	if len(rest) < width {
		return 0, 0, false
	}
	var n uint64
	switch width {
	case 1:
		n = uint64(rest[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		n = uint64(binary.BigEndian.Uint32(rest))
	}
	head := uint64(1 + width)
	switch c {
	case 0xdc, 0xdd:
		return head, n, true
	case 0xde, 0xdf:
		return head, 2 * n, true
	case 0xc7, 0xc8, 0xc9:
		return head + 1 + n, 0, true
	}
	return head + n, 0, true
}
