package converter

import "errors"

var (
	// ErrMetadataIsNotSet is returned when a payload to decode has no metadata at all.
	ErrMetadataIsNotSet = errors.New("metadata is not set")
	// ErrEncodingIsNotSet is returned when a payload's metadata has no entry MetadataEncoding.
	ErrEncodingIsNotSet = errors.New("payload encoding metadata is not set")
	// ErrEncodingIsNotSupported is returned when no payload converter knows a payload's encoding.
	ErrEncodingIsNotSupported = errors.New("payload encoding is not supported")
	// ErrUnableToEncode is returned when a payload converter refuses a value; the reason is wrapped beside it.
	ErrUnableToEncode = errors.New("unable to encode")
	// ErrUnableToDecode is returned when a payload's data does not fit its encoding or the target.
	ErrUnableToDecode = errors.New("unable to decode")
	// ErrUnableToSetValue is returned when a target cannot take the decoded value.
	ErrUnableToSetValue = errors.New("unable to set value")
	// ErrUnableToFindConverter is returned when no payload converter takes a value.
	ErrUnableToFindConverter = errors.New("unable to find converter")
	// ErrValuePtrIsNotPointer is returned when a target is not a non-nil pointer.
	ErrValuePtrIsNotPointer = errors.New("not a pointer type")
	// ErrTypeNotImplementProtoMessage is returned when a protobuf message is decoded into something that is none.
	ErrTypeNotImplementProtoMessage = errors.New("type doesn't implement proto.Message")
	// ErrValuePtrMustConcreteType is returned when a protobuf message is decoded into an interface: only a type says
	// which message it is.
	ErrValuePtrMustConcreteType = errors.New("must be a concrete type, not interface")
	// ErrTypeIsNotByteSlice is returned when bytes are decoded into something that cannot hold them.
	ErrTypeIsNotByteSlice = errors.New("type is not *[]byte")
	// ErrPayloadLost is returned when a payload that was stored outside its history is missing or damaged there.
	ErrPayloadLost = errors.New("stored payload is missing or damaged")
	// ErrNoData is returned when Get is called where no value was encoded.
	ErrNoData = errors.New("no data available")
	// ErrTooManyArg is returned when Get is called with more targets than there are values.
	ErrTooManyArg = errors.New("too many arguments")
)
