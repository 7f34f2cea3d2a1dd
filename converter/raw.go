package converter

import (
	"errors"

	"github.com/millrace-dev/millrace/api/common"
)

// RawValue carries a payload past the converter: encoded already on the way in, not decoded on the way out. Workflows
// that pass data on without looking at it, or that accept any type, use it as an argument, a result or a target.
type RawValue struct {
	payload *common.Payload
}

// NewRawValue returns a RawValue that holds payload itself, not a copy.
func NewRawValue(payload *common.Payload) RawValue {
	return RawValue{payload: payload}
}

// Payload returns the payload that v holds, nil for the zero RawValue.
func (v RawValue) Payload() *common.Payload { return v.payload }

var errRawValueJSON = errors.New("a converter.RawValue inside another value has no JSON form: pass it by itself")

// MarshalJSON returns an error: inside another value the payload's encoding would be lost without a trace.
func (v RawValue) MarshalJSON() ([]byte, error) { return nil, errRawValueJSON }

// UnmarshalJSON returns an error for the reason that MarshalJSON does.
func (v *RawValue) UnmarshalJSON([]byte) error { return errRawValueJSON }
