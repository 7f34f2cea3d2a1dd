package millrace

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
)

// maxCauses is how long a chain of causes may be. What lies deeper is cut: an error may wrap itself, and a failure may
// come from anyone.
const maxCauses = 100

// failureSource is the Source of the failures that are made here.
const failureSource = "GoSDK"

// panicErrorType is the Type of the application failure that stands for a panic.
const panicErrorType = "PanicError"

// DefaultFailureConverterOptions are the options of NewDefaultFailureConverter.
type DefaultFailureConverterOptions struct {
	// DataConverter encodes details. Nil means converter.GetDefaultDataConverter().
	DataConverter converter.DataConverter
	// EncodeCommonAttributes encodes messages and stack traces as well, so that with an encrypting data converter
	// no text of an error can be read without the key.
	EncodeCommonAttributes bool
}

// DefaultFailureConverter describes errors by the types of this package. It is safe for concurrent use. Create it with
// NewDefaultFailureConverter.
//
// A failure that became an error and is described again comes out as it was, whatever parts of it this version does
// not know. Causes deeper than 100 are cut.
type DefaultFailureConverter struct {
	dataConverter          converter.DataConverter
	encodeCommonAttributes bool
}

var _ converter.FailureConverter = (*DefaultFailureConverter)(nil)

// defaultFailureConverter is never reassigned.
var defaultFailureConverter = NewDefaultFailureConverter(DefaultFailureConverterOptions{})

// GetDefaultFailureConverter returns the failure converter that is used where none is configured.
func GetDefaultFailureConverter() converter.FailureConverter { return defaultFailureConverter }

// WithSerializationContext returns the failure converter for ctx: one whose data converter knows it.
func (c *DefaultFailureConverter) WithSerializationContext(ctx converter.SerializationContext) converter.FailureConverter {
	bound := *c
	bound.dataConverter = converter.WithDataConverterSerializationContext(c.dataConverter, ctx)
	return &bound
}

// DependsOnSerializationContext says whether the data converter works differently for each run or activity.
func (c *DefaultFailureConverter) DependsOnSerializationContext() bool {
	return converter.DependsOnSerializationContext(c.dataConverter)
}

// NewDefaultFailureConverter returns a failure converter with options.
func NewDefaultFailureConverter(options DefaultFailureConverterOptions) *DefaultFailureConverter {
	if options.DataConverter == nil {
		options.DataConverter = converter.GetDefaultDataConverter()
	}
	return &DefaultFailureConverter{
		dataConverter:          options.DataConverter,
		encodeCommonAttributes: options.EncodeCommonAttributes,
	}
}

// wireForm is the part of an error that remembers the failure it was made from.
type wireForm struct {
	original *failure.Failure
}

// Failure returns the failure that the error was made from, nil for an error that did not come over the wire. Callers
// must not change it.
func (w *wireForm) Failure() *failure.Failure { return w.original }

func (w *wireForm) setFailure(f *failure.Failure) { w.original = f }

type wireFormer interface {
	Failure() *failure.Failure
	setFailure(*failure.Failure)
}

// ErrorToFailure describes err and the errors that it wraps. Callers must not change the result: it may share parts
// with err. Details that cannot be encoded are left out and the message says so.
func (c *DefaultFailureConverter) ErrorToFailure(err error) *failure.Failure {
	var first *failure.Failure
	next := &first
	for n := 0; err != nil && n < maxCauses; n++ {
		if isNilPointer(err) {
			*next = c.describe(err)
			break
		}
		if w, ok := err.(wireFormer); ok && w.Failure() != nil {
			*next = w.Failure()
			break
		}
		f := c.describe(err)
		*next = f
		next = &f.Cause
		err = errors.Unwrap(err)
	}
	if c.encodeCommonAttributes {
		return c.encodeAttributes(first)
	}
	return first
}

// describe returns the failure for err without its cause.
func (c *DefaultFailureConverter) describe(err error) *failure.Failure {
	f := &failure.Failure{Source: failureSource}
	if isNilPointer(err) {
		f.Message = fmt.Sprintf("nil %T", err)
		f.ApplicationFailureInfo = &failure.ApplicationFailureInfo{Type: errorType(err)}
		return f
	}
	switch err := err.(type) {
	case *ApplicationError:
		f.Message = err.message
		f.ApplicationFailureInfo = &failure.ApplicationFailureInfo{
			Type:                 err.errType,
			NonRetryable:         err.nonRetryable,
			Details:              c.details(f, err.details),
			NextRetryDelayMillis: ceilMillis(err.nextRetryDelay),
			Category:             enums.ApplicationErrorCategory(err.category),
		}
	case *TimeoutError:
		f.Message = err.message
		f.TimeoutFailureInfo = &failure.TimeoutFailureInfo{
			TimeoutType:          err.timeoutType,
			LastHeartbeatDetails: c.details(f, err.lastHeartbeatDetails),
		}
	case *CanceledError:
		f.Message = err.text()
		f.CanceledFailureInfo = &failure.CanceledFailureInfo{Details: c.details(f, err.details)}
	case *TerminatedError:
		f.Message = err.Error()
		f.TerminatedFailureInfo = &failure.TerminatedFailureInfo{}
	case *PanicError:
		f.Message = err.Error()
		f.StackTrace = err.stackTrace
		f.ApplicationFailureInfo = &failure.ApplicationFailureInfo{Type: panicErrorType}
	case *ServerError:
		f.Message = err.message
		f.ServerFailureInfo = &failure.ServerFailureInfo{NonRetryable: err.nonRetryable}
	case *ActivityError:
		info := err.info
		f.Message = "activity error"
		f.ActivityFailureInfo = &info
	case *ChildWorkflowExecutionError:
		info := err.info
		f.Message = "child workflow execution error"
		f.ChildWorkflowExecutionFailureInfo = &info
	default:
		// %v rather than Error(): fmt survives an Error method that panics.
		f.Message = fmt.Sprintf("%v", err)
		f.ApplicationFailureInfo = &failure.ApplicationFailureInfo{Type: errorType(err)}
	}
	return f
}

// details encodes the details of the error that f describes. There is no error to return, and the reason for the
// failure matters more than its details, so a failed encoding is told in the message.
func (c *DefaultFailureConverter) details(f *failure.Failure, details converter.EncodedValues) *common.Payloads {
	payloads, err := encodeDetails(details, c.dataConverter)
	if err != nil {
		f.Message = fmt.Sprintf("%s (details left out: %v)", f.Message, err)
		return nil
	}
	return payloads
}

// FailureToError rebuilds the error that f describes, with its causes. It keeps f and does not change it; callers must
// not change it later.
func (c *DefaultFailureConverter) FailureToError(f *failure.Failure) error {
	f = c.decodeAttributes(f)
	var chain []*failure.Failure
	for ; f != nil && len(chain) < maxCauses; f = f.Cause {
		chain = append(chain, f)
	}
	var err error
	for i := len(chain) - 1; i >= 0; i-- {
		err = c.rebuild(chain[i], err)
	}
	return err
}

// rebuild returns the error that f describes around the given cause.
func (c *DefaultFailureConverter) rebuild(f *failure.Failure, cause error) error {
	err := c.rebuildKind(f, cause)
	if w, ok := err.(wireFormer); ok {
		w.setFailure(f)
	}
	return err
}

func (c *DefaultFailureConverter) rebuildKind(f *failure.Failure, cause error) error {
	switch {
	case f.ApplicationFailureInfo != nil:
		info := f.ApplicationFailureInfo
		if info.Type == panicErrorType {
			return &PanicError{value: f.Message, stackTrace: f.StackTrace}
		}
		return &ApplicationError{
			message:        f.Message,
			errType:        info.Type,
			nonRetryable:   info.NonRetryable,
			cause:          cause,
			details:        c.encoded(info.Details),
			nextRetryDelay: info.NextRetryDelay(),
			category:       ApplicationErrorCategory(info.Category),
		}
	case f.CanceledFailureInfo != nil:
		return &CanceledError{message: f.Message, details: c.encoded(f.CanceledFailureInfo.Details), cause: cause}
	case f.TimeoutFailureInfo != nil:
		return &TimeoutError{
			message:              f.Message,
			timeoutType:          f.TimeoutFailureInfo.TimeoutType,
			lastHeartbeatDetails: c.encoded(f.TimeoutFailureInfo.LastHeartbeatDetails),
			cause:                cause,
		}
	case f.TerminatedFailureInfo != nil:
		return &TerminatedError{}
	case f.ServerFailureInfo != nil:
		return &ServerError{message: f.Message, nonRetryable: f.ServerFailureInfo.NonRetryable, cause: cause}
	case f.ActivityFailureInfo != nil:
		return &ActivityError{info: *f.ActivityFailureInfo, cause: cause}
	case f.ChildWorkflowExecutionFailureInfo != nil:
		return &ChildWorkflowExecutionError{info: *f.ChildWorkflowExecutionFailureInfo, cause: cause}
	}
	// A kind that this version does not know: retryable, as an unknown error of user code is.
	return &ApplicationError{message: f.Message, cause: cause}
}

func (c *DefaultFailureConverter) encoded(payloads *common.Payloads) converter.EncodedValues {
	return converter.NewEncodedValues(payloads, c.dataConverter)
}

// errorType is the name of err's type without package and pointers; empty for the type behind errors.New, whose name
// says nothing.
func errorType(err error) string {
	t := reflect.TypeOf(err)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == "errors" && t.Name() == "errorString" {
		return ""
	}
	return t.Name()
}

func isNilPointer(err error) bool {
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// ceilMillis rounds up, so that a delay below a millisecond does not become none.
func ceilMillis(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
