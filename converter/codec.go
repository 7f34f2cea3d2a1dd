package converter

import (
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
)

// PayloadCodec changes payloads after they were made and before they are read: it compresses or encrypts them.
// Implementations must be safe for concurrent use and must not change what they are given.
type PayloadCodec interface {
	// Encode returns one payload for each given one, none of which is nil. It may return a given payload as it is.
	Encode([]*common.Payload) ([]*common.Payload, error)
	// Decode reverses Encode. It returns a payload that this codec did not encode as it is: histories hold those
	// from before it was configured.
	Decode([]*common.Payload) ([]*common.Payload, error)
}

// CodecDataConverter is a DataConverter that sends the payloads of another through codecs. Create it with
// NewCodecDataConverter.
type CodecDataConverter struct {
	parent DataConverter
	codecs []PayloadCodec
}

// NewCodecDataConverter returns a DataConverter that encodes what parent makes by the codecs, from the last to the
// first, and decodes by them from the first to the last before parent reads it.
func NewCodecDataConverter(parent DataConverter, codecs ...PayloadCodec) DataConverter {
	return &CodecDataConverter{parent: parent, codecs: append([]PayloadCodec(nil), codecs...)}
}

// ToPayload encodes one value.
func (dc *CodecDataConverter) ToPayload(value interface{}) (*common.Payload, error) {
	p, err := dc.parent.ToPayload(value)
	if p == nil || err != nil {
		return nil, err
	}
	encoded, err := encodeAll(dc.codecs, []*common.Payload{p})
	if err != nil {
		return nil, err
	}
	return encoded[0], nil
}

// ToPayloads encodes values in order; each codec is given all of them at one time.
func (dc *CodecDataConverter) ToPayloads(values ...interface{}) (*common.Payloads, error) {
	plain, err := dc.parent.ToPayloads(values...)
	if err != nil || len(plain.GetPayloads()) == 0 {
		return plain, err
	}
	encoded, err := encodeAll(dc.codecs, plain.Payloads)
	if err != nil {
		return nil, err
	}
	return &common.Payloads{Payloads: encoded}, nil
}

// FromPayload decodes one payload into what valuePtr points to.
func (dc *CodecDataConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	if payload == nil {
		return dc.parent.FromPayload(nil, valuePtr)
	}
	plain, err := decodeAll(dc.codecs, []*common.Payload{payload})
	if err != nil {
		return err
	}
	return dc.parent.FromPayload(plain[0], valuePtr)
}

// FromPayloads decodes payloads in order; each codec is given all of them at one time.
func (dc *CodecDataConverter) FromPayloads(payloads *common.Payloads, valuePtrs ...interface{}) error {
	if len(payloads.GetPayloads()) == 0 {
		return dc.parent.FromPayloads(payloads, valuePtrs...)
	}
	plain, err := decodeAll(dc.codecs, payloads.Payloads)
	if err != nil {
		return err
	}
	return dc.parent.FromPayloads(&common.Payloads{Payloads: plain}, valuePtrs...)
}

// ToString shows a payload as parent shows what the codecs make of it, or why they cannot.
func (dc *CodecDataConverter) ToString(payload *common.Payload) string {
	if payload == nil {
		return dc.parent.ToString(nil)
	}
	plain, err := decodeAll(dc.codecs, []*common.Payload{payload})
	if err != nil {
		return err.Error()
	}
	return dc.parent.ToString(plain[0])
}

// ToStrings shows each payload as ToString does.
func (dc *CodecDataConverter) ToStrings(payloads *common.Payloads) []string {
	return toStrings(payloads, dc.ToString)
}

// WithSerializationContext returns a converter whose parent and codecs, those that take one, know the context.
func (dc *CodecDataConverter) WithSerializationContext(ctx SerializationContext) DataConverter {
	bound := &CodecDataConverter{
		parent: WithDataConverterSerializationContext(dc.parent, ctx),
		codecs: make([]PayloadCodec, len(dc.codecs)),
	}
	for i, codec := range dc.codecs {
		if aware, ok := codec.(PayloadCodecWithSerializationContext); ok {
			codec = aware.WithSerializationContext(ctx)
		}
		bound.codecs[i] = codec
	}
	return bound
}

// DependsOnSerializationContext says whether the parent or a codec works differently for each run or activity.
func (dc *CodecDataConverter) DependsOnSerializationContext() bool {
	return DependsOnSerializationContext(dc.parent) ||
		slices.ContainsFunc(dc.codecs, func(c PayloadCodec) bool { return DependsOnSerializationContext(c) })
}

// encodeAll applies codecs from the last to the first.
func encodeAll(codecs []PayloadCodec, payloads []*common.Payload) ([]*common.Payload, error) {
	for i := len(codecs) - 1; i >= 0; i-- {
		next, err := codecs[i].Encode(payloads)
		if err != nil {
			return nil, fmt.Errorf("codec %T: %w: %w", codecs[i], ErrUnableToEncode, err)
		}
		if err := checkCoded(codecs[i], payloads, next); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnableToEncode, err)
		}
		payloads = next
	}
	return payloads, nil
}

// decodeAll applies codecs from the first to the last.
func decodeAll(codecs []PayloadCodec, payloads []*common.Payload) ([]*common.Payload, error) {
	for _, codec := range codecs {
		next, err := codec.Decode(payloads)
		if err != nil {
			return nil, fmt.Errorf("codec %T: %w: %w", codec, ErrUnableToDecode, err)
		}
		if err := checkCoded(codec, payloads, next); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnableToDecode, err)
		}
		payloads = next
	}
	return payloads, nil
}

// checkCoded says what is wrong with the answer of a codec: arguments are known by their place.
func checkCoded(codec PayloadCodec, given, returned []*common.Payload) error {
	if len(given) != len(returned) {
		return fmt.Errorf("codec %T returned %d payloads for %d", codec, len(returned), len(given))
	}
	for i, p := range returned {
		if p == nil {
			return fmt.Errorf("codec %T returned nil for payload %d", codec, i)
		}
	}
	return nil
}
