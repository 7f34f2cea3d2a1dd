package replay

import (
	"fmt"

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
	// trusted is set when the record holds the command: then it was within the limits.
	trusted bool
	config  *Config
	err     error
}

// check begins the check of a command of the kind call; name says which one, empty if that says it. On replay a payload
// that the record holds is within the limit, whatever the limit is by now: else lowering it would make every run that once
// kept it non-deterministic.
func (m *Machine) check(call, name string, a history.Attributes) check {
	r := m.recordedNext()
	return check{call: call, name: name, config: &m.config, trusted: r != nil && same(r.Attributes, a)}
}

// list checks arguments or results.
func (c *check) list(field string, list *common.Payloads) {
	n := list.Size()
	if c.err != nil || c.trusted || n == 0 {
		return
	}
	if limit := c.config.MaxPayload; limit > 0 && n > limit {
		c.refusePayload(field, n, limit)
	} else if c.config.Fits != nil {
		if size, limit, ok := c.config.Fits(list); !ok {
			c.refusePayload(field+", in values that are too small to be stored apart,", size, limit)
		}
	}
}

// aside checks what comes along.
func (c *check) aside(a history.Aside) {
	limit := c.config.MaxAside
	if limit <= 0 || c.config.MaxPayload > 0 && c.config.MaxPayload < limit {
		limit = c.config.MaxPayload
	}
	if c.err != nil || c.trusted || limit <= 0 {
		return
	}
	if field, n, ok := a.Fits(limit); !ok {
		c.refusePayload(field, n, limit)
	}
}

func (c *check) refusePayload(field string, n, limit int) {
	c.refuse(field, n, limit)
	c.err.(*LimitError).Payload = true
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

// cutFailure is f, or when it is too large a copy with only its kind and the beginning of its message.
func (m *Machine) cutFailure(f *failure.Failure) *failure.Failure {
	if m.config.MaxPayload <= 0 {
		return f
	}
	return history.CutFailure(f, m.config.MaxPayload)
}
