package converter

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
)

const (
	// MetadataEncoding is the metadata key that names a payload's encoding.
	MetadataEncoding = "encoding"
	// MetadataMessageType is the metadata key that names the full type of a protobuf message.
	MetadataMessageType = "messageType"

	// MetadataEncodingNil marks a nil value; the payload has no data.
	MetadataEncodingNil = "binary/null"
	// MetadataEncodingBinary marks a []byte that is the data itself.
	MetadataEncodingBinary = "binary/plain"
	// MetadataEncodingJSON marks one JSON text.
	MetadataEncodingJSON = "json/plain"
	// MetadataEncodingProtoJSON marks a protobuf message in its JSON form.
	MetadataEncodingProtoJSON = "json/protobuf"
	// MetadataEncodingProto marks a protobuf message in its binary form.
	MetadataEncodingProto = "binary/protobuf"
	// MetadataEncodingMsgpack marks one MessagePack object.
	MetadataEncodingMsgpack = "binary/msgpack"
)

// DataConverter encodes the inputs and results of workflows and activities. Implementations must be safe for
// concurrent use, must give equal bytes for equal values (a replay compares them), must not keep or change what they
// are given, and must answer undecodable payloads with an error, never a panic.
type DataConverter interface {
	// ToPayload encodes one value.
	ToPayload(value interface{}) (*common.Payload, error)
	// FromPayload decodes one payload into the value that valuePtr points to. A nil payload leaves it untouched.
	FromPayload(payload *common.Payload, valuePtr interface{}) error

	// ToPayloads encodes a list of values; no values give nil.
	ToPayloads(values ...interface{}) (*common.Payloads, error)
	// FromPayloads decodes payloads into targets one by one. Targets without a payload stay untouched and payloads
	// without a target are ignored, so that functions may gain and lose trailing arguments.
	FromPayloads(payloads *common.Payloads, valuePtrs ...interface{}) error

	// ToString shows one payload to a person; what cannot be decoded shows as the reason.
	ToString(payload *common.Payload) string
	// ToStrings shows each payload of a list as ToString does.
	ToStrings(payloads *common.Payloads) []string
}

// PayloadConverter encodes the values of one kind. The obligations of DataConverter hold here too.
type PayloadConverter interface {
	// ToPayload encodes value, or returns nil and no error when the value is of another kind.
	ToPayload(value interface{}) (*common.Payload, error)
	// FromPayload decodes a payload whose encoding is Encoding.
	FromPayload(payload *common.Payload, valuePtr interface{}) error
	// ToString shows the payload to a person.
	ToString(payload *common.Payload) string
	// Encoding is the encoding that this converter writes and reads.
	Encoding() string
}

// FailureConverter turns errors into failures for the wire and back. Both directions map nil to nil.
// millrace.GetDefaultFailureConverter is the usual one.
type FailureConverter interface {
	// ErrorToFailure describes err and everything it wraps.
	ErrorToFailure(err error) *failure.Failure
	// FailureToError rebuilds the error that f describes. It does not change f.
	FailureToError(f *failure.Failure) error
}

// defaultDataConverter is never reassigned. JSON takes every value that reaches it, so MessagePack is there to read
// what others wrote.
var defaultDataConverter = newComposite(
	NewNilPayloadConverter(),
	NewByteSlicePayloadConverter(),
	NewProtoJSONPayloadConverter(),
	NewProtoPayloadConverter(),
	NewJSONPayloadConverter(),
	NewMsgpackPayloadConverter(),
)

// GetDefaultDataConverter returns the converter that is used where none is configured: nil and []byte as they are,
// protobuf messages in their JSON form, everything else as JSON. It reads binary protobuf and MessagePack too.
func GetDefaultDataConverter() DataConverter {
	return defaultDataConverter
}

// newPayload makes a payload and the name of its encoding in one piece of memory.
func newPayload(data []byte, encoding string) *common.Payload {
	p := &struct {
		common.Payload
		encoding [maxEncoding]byte
	}{}
	name := append(p.encoding[:0:maxEncoding], encoding...)
	p.Metadata = map[string][]byte{MetadataEncoding: name[:len(name):len(name)]}
	p.Data = data
	return &p.Payload
}

// maxEncoding is as long as the longest name of an encoding.
const maxEncoding = len(MetadataEncodingProto)
