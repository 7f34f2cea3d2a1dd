package converter

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/millrace-dev/millrace/api/common"
)

// ProtoJSONPayloadConverter encodes protobuf messages in their JSON form. Create it with NewProtoJSONPayloadConverter.
type ProtoJSONPayloadConverter struct {
	options ProtoJSONPayloadConverterOptions
}

// ProtoJSONPayloadConverterOptions are the options of NewProtoJSONPayloadConverterWithOptions.
type ProtoJSONPayloadConverterOptions struct {
	// ExcludeProtobufMessageTypes leaves the metadata entry MetadataMessageType out.
	ExcludeProtobufMessageTypes bool
	// AllowUnknownFields ignores fields that the message does not have; otherwise they are an error.
	AllowUnknownFields bool
	// UseProtoNames names fields as the .proto file does, instead of in lowerCamelCase. Both are read.
	UseProtoNames bool
	// UseEnumNumbers writes enums as numbers. Both are read.
	UseEnumNumbers bool
	// EmitUnpopulated writes fields that are not set, too.
	EmitUnpopulated bool
	// LegacyTemporalProtoCompat has no effect: the names of enum values are always those of the .proto file.
	LegacyTemporalProtoCompat bool
}

// NewProtoJSONPayloadConverter returns a ProtoJSONPayloadConverter.
func NewProtoJSONPayloadConverter() *ProtoJSONPayloadConverter {
	return NewProtoJSONPayloadConverterWithOptions(ProtoJSONPayloadConverterOptions{})
}

// NewProtoJSONPayloadConverterWithOptions returns a ProtoJSONPayloadConverter with options.
func NewProtoJSONPayloadConverterWithOptions(options ProtoJSONPayloadConverterOptions) *ProtoJSONPayloadConverter {
	return &ProtoJSONPayloadConverter{options: options}
}

// ToPayload takes protobuf messages, and structs whose pointers are such. Equal messages give equal bytes: the library
// puts in spaces as it pleases, which are taken out.
func (c *ProtoJSONPayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	m := messageOf(value)
	if m == nil {
		return nil, nil
	}
	text, err := protojson.MarshalOptions{
		UseProtoNames: c.options.UseProtoNames, UseEnumNumbers: c.options.UseEnumNumbers, EmitUnpopulated: c.options.EmitUnpopulated,
	}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
	}
	var data bytes.Buffer
	if err := json.Compact(&data, text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
	}
	return newMessagePayload(m, data.Bytes(), c), nil
}

// FromPayload decodes into what valuePtr points to: a message, or a pointer to one, which is made where it is nil.
func (c *ProtoJSONPayloadConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	if bytes.Equal(payload.GetData(), []byte("null")) {
		return (*NilPayloadConverter)(nil).FromPayload(payload, valuePtr)
	}
	return setMessage(valuePtr, func(m proto.Message) error {
		return protojson.UnmarshalOptions{DiscardUnknown: c.options.AllowUnknownFields}.Unmarshal(payload.GetData(), m)
	})
}

// ToString returns the JSON text without insignificant space.
func (c *ProtoJSONPayloadConverter) ToString(payload *common.Payload) string {
	return (*JSONPayloadConverter)(nil).ToString(payload)
}

// Encoding returns MetadataEncodingProtoJSON.
func (c *ProtoJSONPayloadConverter) Encoding() string { return MetadataEncodingProtoJSON }

// ExcludeProtobufMessageTypes reports whether payloads do not name the type of their message.
func (c *ProtoJSONPayloadConverter) ExcludeProtobufMessageTypes() bool {
	return c.options.ExcludeProtobufMessageTypes
}
