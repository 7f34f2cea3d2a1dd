package enums

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// limit is above every value of every set, but for those that are Millrace's own: they lie between own and ownLimit.
const (
	limit    = 64
	own      = 1000
	ownLimit = 1010
)

// parse finds a value by its name, in Temporal's short or long form, or by its number. JSON shows names; stored
// records hold numbers and do not come here.
func parse[T interface {
	~int32
	String() string
}](x *T, kind string, data []byte) error {
	var n int32
	if json.Unmarshal(data, &n) == nil {
		*x = T(n)
		return nil
	}
	var name string
	if err := json.Unmarshal(data, &name); err != nil {
		return fmt.Errorf("%s %s: must be a name or a number", kind, data)
	}
	if unknown, err := strconv.ParseInt(name, 10, 32); err == nil {
		*x = T(unknown)
		return nil
	}
	plain := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	prefix := strings.ToLower(kind)
	for n := range limit + ownLimit - own {
		v := T(n)
		if n >= limit {
			v = T(n - limit + own)
		}
		if short := strings.ToLower(v.String()); plain == short || plain == prefix+short {
			*x = v
			return nil
		}
	}
	return fmt.Errorf("%s %q: no such value", kind, name)
}

// MarshalJSON writes the value's name.
func (x EventType) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *EventType) UnmarshalJSON(data []byte) error { return parse(x, "EventType", data) }

// MarshalJSON writes the value's name.
func (x WorkflowExecutionStatus) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *WorkflowExecutionStatus) UnmarshalJSON(data []byte) error {
	return parse(x, "WorkflowExecutionStatus", data)
}

// MarshalJSON writes the value's name.
func (x TimeoutType) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *TimeoutType) UnmarshalJSON(data []byte) error { return parse(x, "TimeoutType", data) }

// MarshalJSON writes the value's name.
func (x RetryState) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *RetryState) UnmarshalJSON(data []byte) error { return parse(x, "RetryState", data) }

// MarshalJSON writes the value's name.
func (x ParentClosePolicy) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *ParentClosePolicy) UnmarshalJSON(data []byte) error {
	return parse(x, "ParentClosePolicy", data)
}

// MarshalJSON writes the value's name.
func (x WorkflowIdReusePolicy) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *WorkflowIdReusePolicy) UnmarshalJSON(data []byte) error {
	return parse(x, "WorkflowIdReusePolicy", data)
}

// MarshalJSON writes the value's name.
func (x WorkflowIdConflictPolicy) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *WorkflowIdConflictPolicy) UnmarshalJSON(data []byte) error {
	return parse(x, "WorkflowIdConflictPolicy", data)
}

// MarshalJSON writes the value's name.
func (x StartChildWorkflowExecutionFailedCause) MarshalJSON() ([]byte, error) {
	return json.Marshal(x.String())
}

// UnmarshalJSON reads a name or a number.
func (x *StartChildWorkflowExecutionFailedCause) UnmarshalJSON(data []byte) error {
	return parse(x, "StartChildWorkflowExecutionFailedCause", data)
}

// MarshalJSON writes the value's name.
func (x SignalExternalWorkflowExecutionFailedCause) MarshalJSON() ([]byte, error) {
	return json.Marshal(x.String())
}

// UnmarshalJSON reads a name or a number.
func (x *SignalExternalWorkflowExecutionFailedCause) UnmarshalJSON(data []byte) error {
	return parse(x, "SignalExternalWorkflowExecutionFailedCause", data)
}

// MarshalJSON writes the value's name.
func (x CancelExternalWorkflowExecutionFailedCause) MarshalJSON() ([]byte, error) {
	return json.Marshal(x.String())
}

// UnmarshalJSON reads a name or a number.
func (x *CancelExternalWorkflowExecutionFailedCause) UnmarshalJSON(data []byte) error {
	return parse(x, "CancelExternalWorkflowExecutionFailedCause", data)
}

// MarshalJSON writes the value's name.
func (x ApplicationErrorCategory) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *ApplicationErrorCategory) UnmarshalJSON(data []byte) error {
	return parse(x, "ApplicationErrorCategory", data)
}

// MarshalJSON writes the value's name.
func (x ContinueAsNewInitiator) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *ContinueAsNewInitiator) UnmarshalJSON(data []byte) error {
	return parse(x, "ContinueAsNewInitiator", data)
}

// MarshalJSON writes the value's name.
func (x QueryRejectCondition) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *QueryRejectCondition) UnmarshalJSON(data []byte) error {
	return parse(x, "QueryRejectCondition", data)
}

// MarshalJSON writes the value's name.
func (x HistoryEventFilterType) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *HistoryEventFilterType) UnmarshalJSON(data []byte) error {
	return parse(x, "HistoryEventFilterType", data)
}

// MarshalJSON writes the value's name.
func (x PendingActivityState) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *PendingActivityState) UnmarshalJSON(data []byte) error {
	return parse(x, "PendingActivityState", data)
}

// MarshalJSON writes the value's name.
func (x ResourceExhaustedCause) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *ResourceExhaustedCause) UnmarshalJSON(data []byte) error {
	return parse(x, "ResourceExhaustedCause", data)
}
