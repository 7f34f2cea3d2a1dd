package converter

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"

	"github.com/millrace-dev/millrace/api/common"
)

// ByteSlicePayloadConverter passes a []byte through as a payload's data. It copies in both directions: a program
// that goes on using its buffer must not change what is in a history.
type ByteSlicePayloadConverter struct{}

// NewByteSlicePayloadConverter returns a ByteSlicePayloadConverter.
func NewByteSlicePayloadConverter() *ByteSlicePayloadConverter {
	return &ByteSlicePayloadConverter{}
}

// ToPayload takes values of type []byte only; named byte slices such as json.RawMessage are of another kind.
func (c *ByteSlicePayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	b, ok := value.([]byte)
	if !ok {
		return nil, nil
	}
	return newPayload(bytes.Clone(b), MetadataEncodingBinary), nil
}

// FromPayload sets a byte slice, or an interface that can hold a []byte.
func (c *ByteSlicePayloadConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	target, err := targetOf(valuePtr)
	if err != nil {
		return err
	}
	data := bytes.Clone(payload.GetData())
	switch {
	case target.Kind() == reflect.Interface && target.NumMethod() == 0:
		target.Set(reflect.ValueOf(data))
	case target.Kind() == reflect.Slice && target.Type().Elem().Kind() == reflect.Uint8:
		target.SetBytes(data)
	default:
		return fmt.Errorf("type %T: %w", valuePtr, ErrTypeIsNotByteSlice)
	}
	return nil
}

// ToString returns the data in unpadded base64.
func (c *ByteSlicePayloadConverter) ToString(payload *common.Payload) string {
	return base64.RawStdEncoding.EncodeToString(payload.GetData())
}

// Encoding returns MetadataEncodingBinary.
func (c *ByteSlicePayloadConverter) Encoding() string { return MetadataEncodingBinary }

// targetOf returns the settable value behind valuePtr.
func targetOf(valuePtr interface{}) (reflect.Value, error) {
	v := reflect.ValueOf(valuePtr)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return reflect.Value{}, fmt.Errorf("type %T: %w", valuePtr, ErrValuePtrIsNotPointer)
	}
	return v.Elem(), nil
}
