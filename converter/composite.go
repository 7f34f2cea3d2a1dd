package converter

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
)

// CompositeDataConverter is a DataConverter made of PayloadConverters. Create it with NewCompositeDataConverter.
type CompositeDataConverter struct {
	ordered    []PayloadConverter
	byEncoding map[string]PayloadConverter
}

// NewCompositeDataConverter returns a DataConverter that offers each value to the payload converters in the given
// order until one takes it, and decodes by the encoding that a payload names. The last one should take every value
// (JSON does). Of two converters for one encoding the later decodes.
func NewCompositeDataConverter(payloadConverters ...PayloadConverter) DataConverter {
	return newComposite(payloadConverters...)
}

func newComposite(payloadConverters ...PayloadConverter) *CompositeDataConverter {
	dc := &CompositeDataConverter{
		ordered:    append([]PayloadConverter(nil), payloadConverters...),
		byEncoding: make(map[string]PayloadConverter, len(payloadConverters)),
	}
	for _, pc := range dc.ordered {
		dc.byEncoding[pc.Encoding()] = pc
	}
	return dc
}

// ToPayload encodes value with the first payload converter that takes it; a RawValue's payload passes unchanged.
func (dc *CompositeDataConverter) ToPayload(value interface{}) (*common.Payload, error) {
	if raw, ok := value.(RawValue); ok {
		return raw.Payload(), nil
	}
	for _, pc := range dc.ordered {
		p, err := pc.ToPayload(value)
		if err != nil {
			return nil, err
		}
		if p != nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("value of type %T: %w", value, ErrUnableToFindConverter)
}

// FromPayload decodes payload by the encoding that it names; a *RawValue takes any payload as it is.
func (dc *CompositeDataConverter) FromPayload(payload *common.Payload, valuePtr interface{}) error {
	if payload == nil {
		return nil
	}
	if raw, ok := valuePtr.(*RawValue); ok && raw != nil {
		*raw = NewRawValue(payload)
		return nil
	}
	pc, err := dc.find(payload)
	if err != nil {
		return err
	}
	return pc.FromPayload(payload, valuePtr)
}

// ToPayloads encodes values in order; an error names the index of the value at fault.
func (dc *CompositeDataConverter) ToPayloads(values ...interface{}) (*common.Payloads, error) {
	if len(values) == 0 {
		return nil, nil
	}
	result := newPayloads(len(values))
	for i, value := range values {
		p, err := dc.ToPayload(value)
		if err != nil {
			return nil, fmt.Errorf("values[%d]: %w", i, err)
		}
		result.Payloads[i] = p
	}
	return result, nil
}

// newPayloads has room for n payloads: for one, as nearly always, in the same piece of memory.
func newPayloads(n int) *common.Payloads {
	if n != 1 {
		return &common.Payloads{Payloads: make([]*common.Payload, n)}
	}
	one := &struct {
		payloads common.Payloads
		place    [1]*common.Payload
	}{}
	one.payloads.Payloads = one.place[:]
	return &one.payloads
}

// FromPayloads decodes payloads in order; an error names the index of the payload at fault.
func (dc *CompositeDataConverter) FromPayloads(payloads *common.Payloads, valuePtrs ...interface{}) error {
	for i, p := range payloads.GetPayloads() {
		if i >= len(valuePtrs) {
			break
		}
		if err := dc.FromPayload(p, valuePtrs[i]); err != nil {
			return fmt.Errorf("payload item %d: %w", i, err)
		}
	}
	return nil
}

// ToString shows payload by the encoding that it names, or why it cannot.
func (dc *CompositeDataConverter) ToString(payload *common.Payload) string {
	if payload == nil {
		return ""
	}
	if IsReference(payload) {
		return describeReference(payload)
	}
	pc, err := dc.find(payload)
	if err != nil {
		return err.Error()
	}
	return pc.ToString(payload)
}

// ToStrings shows each payload as ToString does.
func (dc *CompositeDataConverter) ToStrings(payloads *common.Payloads) []string {
	return toStrings(payloads, dc.ToString)
}

func toStrings(payloads *common.Payloads, toString func(*common.Payload) string) []string {
	list := payloads.GetPayloads()
	if len(list) == 0 {
		return nil
	}
	result := make([]string, len(list))
	for i, p := range list {
		result[i] = toString(p)
	}
	return result
}

func (dc *CompositeDataConverter) find(payload *common.Payload) (PayloadConverter, error) {
	metadata := payload.GetMetadata()
	if metadata == nil {
		return nil, ErrMetadataIsNotSet
	}
	encoding, ok := metadata[MetadataEncoding]
	if !ok {
		return nil, ErrEncodingIsNotSet
	}
	pc, ok := dc.byEncoding[string(encoding)]
	if !ok {
		return nil, fmt.Errorf("encoding %.64q: %w", encoding, ErrEncodingIsNotSupported)
	}
	return pc, nil
}
