package millrace

import (
	"fmt"
	"reflect"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// errorDetails are the details of an error that has not crossed the wire: the values that the program gave.
type errorDetails []interface{}

// detailsOf keeps details that are encoded already, and holds all others as they are until a failure converter with
// the right data converter comes along.
func detailsOf(details []interface{}) converter.EncodedValues {
	if len(details) == 1 {
		if encoded, ok := details[0].(converter.EncodedValues); ok {
			return encoded
		}
	}
	return errorDetails(details)
}

func hasDetails(details converter.EncodedValues) bool {
	return details != nil && details.HasValues()
}

func getDetails(details converter.EncodedValues, valuePtrs []interface{}) error {
	if !hasDetails(details) {
		return ErrNoData
	}
	return details.Get(valuePtrs...)
}

// encodeDetails returns details as payloads, nil for none.
func encodeDetails(details converter.EncodedValues, dc converter.DataConverter) (*common.Payloads, error) {
	switch d := details.(type) {
	case nil:
		return nil, nil
	case converter.ValuesPayloads:
		return d.Payloads(), nil
	case errorDetails:
		return dc.ToPayloads(d...)
	default:
		return nil, fmt.Errorf("details of type %T hold no payloads", details)
	}
}

// HasValues reports whether there are details.
func (d errorDetails) HasValues() bool { return len(d) > 0 }

// Get assigns the details to what valuePtrs point to.
func (d errorDetails) Get(valuePtrs ...interface{}) error {
	if !d.HasValues() {
		return ErrNoData
	}
	if len(valuePtrs) > len(d) {
		return ErrTooManyArg
	}
	for i, ptr := range valuePtrs {
		target := reflect.ValueOf(ptr)
		if target.Kind() != reflect.Pointer || target.IsNil() {
			return fmt.Errorf("detail %d: type %T: %w", i, ptr, converter.ErrValuePtrIsNotPointer)
		}
		target = target.Elem()
		if d[i] == nil {
			target.SetZero()
			continue
		}
		value := reflect.ValueOf(d[i])
		if !value.Type().AssignableTo(target.Type()) {
			return fmt.Errorf("detail %d: %T into %T: %w", i, d[i], ptr, converter.ErrUnableToSetValue)
		}
		target.Set(value)
	}
	return nil
}
