package common

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// The types with maps in them encode themselves, because the msgpack library sorts the keys of a few kinds of map only
// and equal values must have equal bytes; and they decode themselves, because it looks for a map inside an extension.

// EncodeMsgpack writes p with sorted metadata keys.
func (p *Payload) EncodeMsgpack(enc *msgpack.Encoder) error {
	n := 0
	if len(p.Metadata) > 0 {
		n++
	}
	if len(p.Data) > 0 {
		n++
	}
	if err := enc.EncodeMapLen(n); err != nil {
		return err
	}
	if len(p.Metadata) > 0 {
		if err := enc.EncodeString("m"); err != nil {
			return err
		}
		if err := encodeSorted(enc, p.Metadata, enc.EncodeBytes); err != nil {
			return err
		}
	}
	if len(p.Data) == 0 {
		return nil
	}
	if err := enc.EncodeString("d"); err != nil {
		return err
	}
	return enc.EncodeBytes(p.Data)
}

// DecodeMsgpack reads p and ignores keys that it does not know.
func (p *Payload) DecodeMsgpack(dec *msgpack.Decoder) error {
	*p = Payload{}
	return decodeStruct(dec, func(key string) (err error) {
		switch key {
		case "m":
			p.Metadata, err = decodeMap(dec, dec.DecodeBytes)
		case "d":
			p.Data, err = dec.DecodeBytes()
		default:
			err = dec.Skip()
		}
		return err
	})
}

// EncodeMsgpack writes h with sorted keys.
func (h *Header) EncodeMsgpack(enc *msgpack.Encoder) error { return encodeFields(enc, h.Fields) }

// DecodeMsgpack reads h.
func (h *Header) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	h.Fields, err = decodeFields(dec)
	return err
}

// EncodeMsgpack writes m with sorted keys.
func (m *Memo) EncodeMsgpack(enc *msgpack.Encoder) error { return encodeFields(enc, m.Fields) }

// DecodeMsgpack reads m.
func (m *Memo) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	m.Fields, err = decodeFields(dec)
	return err
}

// EncodeMsgpack writes s with sorted keys.
func (s *SearchAttributes) EncodeMsgpack(enc *msgpack.Encoder) error {
	return encodeFields(enc, s.IndexedFields)
}

// DecodeMsgpack reads s.
func (s *SearchAttributes) DecodeMsgpack(dec *msgpack.Decoder) (err error) {
	s.IndexedFields, err = decodeFields(dec)
	return err
}

// encodeFields writes a struct whose only field is the map f.
func encodeFields(enc *msgpack.Encoder, fields map[string]*Payload) error {
	if len(fields) == 0 {
		return enc.EncodeMapLen(0)
	}
	if err := enc.EncodeMapLen(1); err != nil {
		return err
	}
	if err := enc.EncodeString("f"); err != nil {
		return err
	}
	return encodeSorted(enc, fields, func(p *Payload) error { return enc.Encode(p) })
}

func decodeFields(dec *msgpack.Decoder) (fields map[string]*Payload, err error) {
	err = decodeStruct(dec, func(key string) (err error) {
		if key != "f" {
			return dec.Skip()
		}
		fields, err = decodeMap(dec, func() (*Payload, error) {
			var p *Payload
			err := dec.Decode(&p)
			return p, err
		})
		return err
	})
	return fields, err
}

func encodeSorted[V any](enc *msgpack.Encoder, m map[string]V, value func(V) error) error {
	if err := enc.EncodeMapLen(len(m)); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := enc.EncodeString(key); err != nil {
			return err
		}
		if err := value(m[key]); err != nil {
			return err
		}
	}
	return nil
}

func decodeMap[V any](dec *msgpack.Decoder, value func() (V, error)) (map[string]V, error) {
	var m map[string]V
	err := decodeStruct(dec, func(key string) error {
		v, err := value()
		if m == nil {
			m = map[string]V{}
		}
		m[key] = v
		return err
	})
	return m, err
}

// decodeStruct reads a map, or nil for an empty one, and calls field for each key.
func decodeStruct(dec *msgpack.Decoder, field func(key string) error) error {
	c, err := dec.PeekCode()
	if err != nil {
		return err
	}
	if msgpcode.IsExt(c) {
		return fmt.Errorf("extension (code 0x%02x) where a map is expected", c)
	}
	n, err := dec.DecodeMapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := dec.DecodeString()
		if err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
	}
	return nil
}
