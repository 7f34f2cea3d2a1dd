package converter

import (
	"reflect"

	"github.com/millrace-dev/millrace/api/common"
)

// NilPayloadConverter encodes nil and nil pointers as a payload without data.
type NilPayloadConverter struct{}

// NewNilPayloadConverter returns a NilPayloadConverter.
func NewNilPayloadConverter() *NilPayloadConverter {
	return &NilPayloadConverter{}
}

// ToPayload takes nil and nil pointers only: a nil slice or map is a value of its type.
func (c *NilPayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	if value == nil {
		return newPayload(nil, MetadataEncodingNil), nil
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.IsNil() {
		return newPayload(nil, MetadataEncodingNil), nil
	}
	return nil, nil
}

// FromPayload sets what valuePtr points to to its zero value.
func (c *NilPayloadConverter) FromPayload(_ *common.Payload, valuePtr interface{}) error {
	target, err := targetOf(valuePtr)
	if err != nil {
		return err
	}
	target.SetZero()
	return nil
}

// ToString returns "nil".
func (c *NilPayloadConverter) ToString(*common.Payload) string { return "nil" }

// Encoding returns MetadataEncodingNil.
func (c *NilPayloadConverter) Encoding() string { return MetadataEncodingNil }
