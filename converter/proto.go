package converter

import (
	"encoding/base64"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/millrace-dev/millrace/api/common"
)

// ProtoPayloadConverter encodes protobuf messages in their binary form. Create it with NewProtoPayloadConverter.
type ProtoPayloadConverter struct {
	options ProtoPayloadConverterOptions
}

// ProtoPayloadConverterOptions are the options of NewProtoPayloadConverterWithOptions.
type ProtoPayloadConverterOptions struct {
	// ExcludeProtobufMessageTypes leaves the metadata entry MetadataMessageType out.
	ExcludeProtobufMessageTypes bool
}

// NewProtoPayloadConverter returns a ProtoPayloadConverter.
func NewProtoPayloadConverter() *ProtoPayloadConverter {
	return NewProtoPayloadConverterWithOptions(ProtoPayloadConverterOptions{})
}

// NewProtoPayloadConverterWithOptions returns a ProtoPayloadConverter with options.
func NewProtoPayloadConverterWithOptions(options ProtoPayloadConverterOptions) *ProtoPayloadConverter {
	return &ProtoPayloadConverter{options: options}
}

// ToPayload takes protobuf messages, and structs whose pointers are such. Equal messages give equal bytes.
func (c *ProtoPayloadConverter) ToPayload(value interface{}) (*common.Payload, error) {
	m := messageOf(value)
	if m == nil {
		return nil, nil
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
	}
	return newMessagePayload(m, data, c), nil
}

// FromPayload decodes into what valuePtr points to: a message, or a pointer to one, which is made where it is nil.
func (c *ProtoPayloadConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	return setMessage(valuePtr, func(m proto.Message) error { return proto.Unmarshal(payload.GetData(), m) })
}

// ToString returns the data in unpadded base64: the type of the message is not known here.
func (c *ProtoPayloadConverter) ToString(payload *common.Payload) string {
	return base64.RawStdEncoding.EncodeToString(payload.GetData())
}

// Encoding returns MetadataEncodingProto.
func (c *ProtoPayloadConverter) Encoding() string { return MetadataEncodingProto }

// ExcludeProtobufMessageTypes reports whether payloads do not name the type of their message.
func (c *ProtoPayloadConverter) ExcludeProtobufMessageTypes() bool {
	return c.options.ExcludeProtobufMessageTypes
}

type messageConverter interface {
	Encoding() string
	ExcludeProtobufMessageTypes() bool
}

func newMessagePayload(m proto.Message, data []byte, c messageConverter) *common.Payload {
	p := newPayload(data, c.Encoding())
	if !c.ExcludeProtobufMessageTypes() {
		p.Metadata[MetadataMessageType] = []byte(m.ProtoReflect().Descriptor().FullName())
	}
	return p
}

// messageOf returns the message that value is, or points to the struct that value is; nil for a value of another kind.
func messageOf(value interface{}) proto.Message {
	if m, ok := value.(proto.Message); ok {
		return m
	}
	t := reflect.TypeOf(value)
	if t == nil || t.Kind() != reflect.Struct || !reflect.PointerTo(t).Implements(reflect.TypeFor[proto.Message]()) {
		return nil
	}
	ptr := reflect.New(t)
	ptr.Elem().Set(reflect.ValueOf(value))
	return ptr.Interface().(proto.Message)
}

// setMessage decodes into a new message and puts it, or a pointer to it, behind valuePtr.
func setMessage(valuePtr interface{}, decode func(proto.Message) error) error {
	target, err := targetOf(valuePtr)
	if err != nil {
		return err
	}
	t := target.Type()
	switch {
	case target.Kind() == reflect.Interface:
		return fmt.Errorf("type %T: %w", valuePtr, ErrValuePtrMustConcreteType)
	case target.Kind() == reflect.Pointer:
		t = t.Elem()
	}
	ptr := reflect.New(t)
	m, ok := ptr.Interface().(proto.Message)
	if !ok {
		return fmt.Errorf("type %T: %w", valuePtr, ErrTypeNotImplementProtoMessage)
	}
	if err := decode(m); err != nil {
		return fmt.Errorf("%w: %w", ErrUnableToDecode, err)
	}
	if target.Kind() == reflect.Pointer {
		target.Set(ptr)
	} else {
		target.Set(ptr.Elem())
	}
	return nil
}
