package converter

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
)

// JSONPayloadConverter encodes any value as JSON, by the rules of encoding/json.
type JSONPayloadConverter struct{}

// NewJSONPayloadConverter returns a JSONPayloadConverter.
func NewJSONPayloadConverter() *JSONPayloadConverter {
	return &JSONPayloadConverter{}
}

// ToPayload takes every value; one that encoding/json refuses (a channel, a function, a NaN) is an error.
func (c *JSONPayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
	}
	return newPayload(data, MetadataEncodingJSON), nil
}

// FromPayload decodes the JSON text into what valuePtr points to.
func (c *JSONPayloadConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	if err := json.Unmarshal(payload.GetData(), valuePtr); err != nil {
		return fmt.Errorf("%w: %w", ErrUnableToDecode, err)
	}
	return nil
}

// ToString returns the JSON text without insignificant space.
func (c *JSONPayloadConverter) ToString(payload *common.Payload) string {
	var b bytes.Buffer
	if err := json.Compact(&b, payload.GetData()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnableToDecode, err).Error()
	}
	return b.String()
}

// Encoding returns MetadataEncodingJSON.
func (c *JSONPayloadConverter) Encoding() string { return MetadataEncodingJSON }
