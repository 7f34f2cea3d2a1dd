package replay

import (
	"fmt"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// The longest names, in bytes. A task queue is counted as it is encoded in a subject token: letters, digits, "_" and
// "-" are one byte, all others three.
const (
	maxID         = 1000
	maxType       = 1000
	maxQueueToken = 200
)

// check collects the first thing that is wrong with a command.
type check struct {
	call, name string
	limit      int
	err        error
}

// check begins the check of a command of the kind call; name says which one, empty if that says it. On replay a payload that the record holds is within the limit, whatever the
// limit is by now: else lowering it would make every run that once kept it non-deterministic.
func (m *Machine) check(call, name string, a history.Attributes) check {
	c := check{call: call, name: name, limit: m.config.MaxPayload}
	if r := m.recordedNext(); r != nil && same(r.Attributes, a) {
		c.limit = 0
	}
	return c
}

func (c *check) size(field string, n int) {
	if c.err == nil && c.limit > 0 && n > c.limit {
		c.refuse(field, n, c.limit)
	}
}

func (c *check) text(field, value string, limit int) { c.length(field, len(value), limit) }

func (c *check) token(field, value string, limit int) {
	n := 0
	for i := range len(value) {
		if b := value[i]; b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' {
			n++
		} else {
			n += 3
		}
	}
	c.length(field, n, limit)
}

func (c *check) length(field string, n, limit int) {
	if c.err == nil && (n == 0 || n > limit) {
		c.refuse(field, n, limit)
	}
}

func (c *check) refuse(field string, n, limit int) {
	call := c.call
	if c.name != "" {
		call += fmt.Sprintf(" %.100q", c.name)
	}
	c.err = &LimitError{Call: call, Field: field, Size: n, Limit: limit}
}

func fieldsSize(fields map[string]*common.Payload) int {
	n := 0
	for k, p := range fields {
		n += len(k) + payloadSize(p)
	}
	return n
}

func payloadSize(p *common.Payload) int {
	return (&common.Payloads{Payloads: []*common.Payload{p}}).Size()
}

// FailureTypePayloadTooLarge is the type of the non-retryable application failure of a run whose result, or whose
// successor's input, exceeds a limit.
const FailureTypePayloadTooLarge = "PayloadTooLarge"

func tooLarge(err error) *failure.Failure {
	return &failure.Failure{
		Message:                err.Error(),
		Source:                 "millrace",
		ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: FailureTypePayloadTooLarge, NonRetryable: true},
	}
}

// maxCutMessage is how much is kept of the message of a failure that is too large.
const maxCutMessage = 1000

// cutFailure is f, or when it is too large a copy with only its kind and the beginning of its message.
func (m *Machine) cutFailure(f *failure.Failure) *failure.Failure {
	if m.config.MaxPayload <= 0 || failureSize(f) <= m.config.MaxPayload {
		return f
	}
	keep := min(maxCutMessage, len(f.Message), m.config.MaxPayload)
	message := strings.ToValidUTF8(f.Message[:keep], "")
	cut := &failure.Failure{Message: message + " (cut: too large)", Source: f.Source}
	switch {
	case f.ApplicationFailureInfo != nil:
		info := *f.ApplicationFailureInfo
		info.Details = nil
		cut.ApplicationFailureInfo = &info
	case f.TimeoutFailureInfo != nil:
		cut.TimeoutFailureInfo = &failure.TimeoutFailureInfo{TimeoutType: f.TimeoutFailureInfo.TimeoutType}
	case f.CanceledFailureInfo != nil:
		cut.CanceledFailureInfo = &failure.CanceledFailureInfo{}
	default:
		cut.ActivityFailureInfo = f.ActivityFailureInfo
		cut.ChildWorkflowExecutionFailureInfo = f.ChildWorkflowExecutionFailureInfo
		cut.ServerFailureInfo, cut.TerminatedFailureInfo = f.ServerFailureInfo, f.TerminatedFailureInfo
	}
	return cut
}

func failureSize(f *failure.Failure) int {
	n := 0
	for ; f != nil; f = f.Cause {
		n += len(f.Message) + len(f.StackTrace)
		if f.EncodedAttributes != nil {
			n += payloadSize(f.EncodedAttributes)
		}
		if i := f.ApplicationFailureInfo; i != nil {
			n += i.Details.Size()
		}
		if i := f.CanceledFailureInfo; i != nil {
			n += i.Details.Size()
		}
		if i := f.TimeoutFailureInfo; i != nil {
			n += i.LastHeartbeatDetails.Size()
		}
	}
	return n
}
