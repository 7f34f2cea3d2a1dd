package streams

import (
	"maps"
	"slices"
	"strings"
)

// Headers that the senders of intake messages may set.
const (
	HeaderIntakeWorkflowID = "Millrace-Workflow-Id"
	HeaderIntakeTaskQueue  = "Millrace-Task-Queue"
	HeaderIntakeRequestID  = "Millrace-Request-Id"
)

// UnknownHeader is the first header, in the order of the alphabet, that looks like one of ours and is not one that
// senders may set, empty for none.
func (m *IntakeMessage) UnknownHeader() string {
	for _, key := range slices.Sorted(maps.Keys(m.Headers)) {
		switch key {
		case HeaderIntakeWorkflowID, HeaderIntakeTaskQueue, HeaderIntakeRequestID:
			continue
		}
		if strings.HasPrefix(strings.ToLower(key), "millrace-") {
			return key
		}
	}
	return ""
}
