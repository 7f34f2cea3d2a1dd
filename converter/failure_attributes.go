package converter

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/failure"
)

// encodedFailureMessage is the message that stands where the real one is encoded.
const encodedFailureMessage = "Encoded failure"

// commonAttributes is what a failure's encoded attributes hold. Its JSON form is that of Temporal's SDKs.
type commonAttributes struct {
	Message    string `json:"message"`
	StackTrace string `json:"stack_trace"`
}

// EncodeCommonFailureAttributes moves the message and the stack trace of f, not those of its causes, into a payload
// made by dc. A failure that is encoded already stays as it is, and so does one for which dc fails.
func EncodeCommonFailureAttributes(dc DataConverter, f *failure.Failure) error {
	if f == nil || f.EncodedAttributes != nil {
		return nil
	}
	p, err := dc.ToPayload(commonAttributes{Message: f.Message, StackTrace: f.StackTrace})
	if err != nil {
		return fmt.Errorf("encode failure attributes: %w", err)
	}
	f.Message, f.StackTrace, f.EncodedAttributes = encodedFailureMessage, "", p
	return nil
}

// DecodeCommonFailureAttributes reverses EncodeCommonFailureAttributes. When dc cannot read them the attributes stay
// encoded and the message says why.
func DecodeCommonFailureAttributes(dc DataConverter, f *failure.Failure) {
	if f == nil || f.EncodedAttributes == nil {
		return
	}
	var a commonAttributes
	if err := dc.FromPayload(f.EncodedAttributes, &a); err != nil {
		f.Message = fmt.Sprintf("%s (%v)", encodedFailureMessage, err)
		return
	}
	f.Message, f.StackTrace, f.EncodedAttributes = a.Message, a.StackTrace, nil
}
