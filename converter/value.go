package converter

import (
	"github.com/millrace-dev/millrace/api/common"
)

// EncodedValue is one value that is decoded when it is asked for.
type EncodedValue interface {
	// HasValue reports whether there is a value.
	HasValue() bool
	// Get decodes the value into what valuePtr points to; ErrNoData when there is none.
	Get(valuePtr interface{}) error
}

// EncodedValues is a list of values that are decoded when they are asked for.
type EncodedValues interface {
	// HasValues reports whether there are values.
	HasValues() bool
	// Get decodes the values into what valuePtrs point to, in order; ErrNoData when there are none.
	Get(valuePtrs ...interface{}) error
}

// ValuesPayloads is implemented by encoded values that can hand their payloads on as they are, without a decoding and
// an encoding in between.
type ValuesPayloads interface {
	// Payloads returns the payloads; callers must not change them.
	Payloads() *common.Payloads
}

// GetPayloads returns the payloads of an EncodedValue or EncodedValues, nil when it does not implement ValuesPayloads.
func GetPayloads(encoded interface{}) *common.Payloads {
	if holder, ok := encoded.(ValuesPayloads); ok {
		return holder.Payloads()
	}
	return nil
}

// NewEncodedValue returns the first of payloads, to be decoded by dc (nil: the default converter). It implements
// ValuesPayloads.
func NewEncodedValue(payloads *common.Payloads, dc DataConverter) EncodedValue {
	return encodedValue{newEncoded(payloads, dc)}
}

// NewEncodedValues returns payloads, to be decoded by dc (nil: the default converter). It implements ValuesPayloads.
func NewEncodedValues(payloads *common.Payloads, dc DataConverter) EncodedValues {
	return encodedValues{newEncoded(payloads, dc)}
}

type encoded struct {
	payloads *common.Payloads
	dc       DataConverter
}

func newEncoded(payloads *common.Payloads, dc DataConverter) encoded {
	if dc == nil {
		dc = GetDefaultDataConverter()
	}
	return encoded{payloads: payloads, dc: dc}
}

func (e encoded) Payloads() *common.Payloads { return e.payloads }

func (e encoded) get(valuePtrs ...interface{}) error {
	if len(e.payloads.GetPayloads()) == 0 {
		return ErrNoData
	}
	return e.dc.FromPayloads(e.payloads, valuePtrs...)
}

type encodedValue struct{ encoded }

func (v encodedValue) HasValue() bool { return len(v.payloads.GetPayloads()) > 0 }

func (v encodedValue) Get(valuePtr interface{}) error { return v.get(valuePtr) }

type encodedValues struct{ encoded }

func (v encodedValues) HasValues() bool { return len(v.payloads.GetPayloads()) > 0 }

func (v encodedValues) Get(valuePtrs ...interface{}) error { return v.get(valuePtrs...) }
