package history

import (
	"strings"

	"github.com/millrace-dev/millrace/api/failure"
)

const (
	// MaxContinuedFailure is how much a run is told of the failure of the run before.
	MaxContinuedFailure = 8 << 10
	// maxCutMessage is how much is kept of the message of a failure that is cut.
	maxCutMessage = 1000
)

// CutFailure is f, or where that has more than limit bytes a copy with its kind and the beginning of its message only.
func CutFailure(f *failure.Failure, limit int) *failure.Failure {
	if FailureSize(f) <= limit {
		return f
	}
	cut := &failure.Failure{Message: beginning(f.Message, min(maxCutMessage, limit)) + " (cut: too large)", Source: f.Source}
	switch {
	case f.ApplicationFailureInfo != nil:
		info := *f.ApplicationFailureInfo
		info.Details = nil
		info.Type = beginning(info.Type, maxCutMessage)
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

func beginning(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// FailureSize is how many bytes a failure and its causes have, without framing.
func FailureSize(f *failure.Failure) int {
	n := 0
	for ; f != nil; f = f.Cause {
		n += len(f.Message) + len(f.StackTrace)
		if f.Cause != nil {
			n += causeOverhead
		}
		if f.EncodedAttributes != nil {
			n += len(f.EncodedAttributes.Data) + metadataSize(f.EncodedAttributes.Metadata)
		}
		if i := f.ApplicationFailureInfo; i != nil {
			n += len(i.Type) + i.Details.Size()
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

// causeOverhead is how many bytes each cause in a chain counts beside its texts and details.
const causeOverhead = 64

func metadataSize(metadata map[string][]byte) int {
	n := 0
	for k, v := range metadata {
		n += len(k) + len(v)
	}
	return n
}
