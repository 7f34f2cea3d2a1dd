package converter

import (
	"errors"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace-dev/millrace/api/common"
)

// The protobuf form of a payload, as Temporal's codecs put it into their own: fields 1 (a map) and 2.
const (
	fieldMetadata protowire.Number = 1
	fieldData     protowire.Number = 2
	fieldKey      protowire.Number = 1
	fieldValue    protowire.Number = 2
)

var errNotAPayload = errors.New("bytes are not a payload")

// marshalPayload returns p in its protobuf form; equal payloads give equal bytes.
func marshalPayload(p *common.Payload) []byte {
	b := make([]byte, 0, len(p.Data)+64*len(p.Metadata)+16)
	for _, key := range slices.Sorted(maps.Keys(p.Metadata)) {
		var entry []byte
		entry = protowire.AppendString(protowire.AppendTag(entry, fieldKey, protowire.BytesType), key)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, fieldValue, protowire.BytesType), p.Metadata[key])
		b = protowire.AppendBytes(protowire.AppendTag(b, fieldMetadata, protowire.BytesType), entry)
	}
	if len(p.Data) > 0 {
		b = protowire.AppendBytes(protowire.AppendTag(b, fieldData, protowire.BytesType), p.Data)
	}
	return b
}

// unmarshalPayload reads what marshalPayload wrote; the result shares memory with data.
func unmarshalPayload(data []byte) (*common.Payload, error) {
	p := &common.Payload{}
	err := eachField(data, func(field protowire.Number, value []byte) error {
		switch field {
		case fieldMetadata:
			var key string
			var entry []byte
			if err := eachField(value, func(field protowire.Number, value []byte) error {
				switch field {
				case fieldKey:
					key = string(value)
				case fieldValue:
					entry = value
				}
				return nil
			}); err != nil {
				return err
			}
			if p.Metadata == nil {
				p.Metadata = map[string][]byte{}
			}
			p.Metadata[key] = entry
		case fieldData:
			p.Data = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// eachField calls f with the fields of a message that are made of bytes, and skips others.
func eachField(data []byte, f func(field protowire.Number, value []byte) error) error {
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errNotAPayload
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, data); n < 0 {
				return errNotAPayload
			}
			data = data[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return errNotAPayload
		}
		data = data[n:]
		if err := f(field, value); err != nil {
			return err
		}
	}
	return nil
}
