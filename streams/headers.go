package streams

import (
	"strconv"

	"github.com/nats-io/nats.go"
)

// Headers that Millrace writes. They repeat what the body says, for readers that do not decode it.
const (
	headerType     = "Millrace-Type"
	headerStatus   = "Millrace-Status"
	headerNumber   = "Millrace-Transition"
	headerCommit   = "Millrace-Commit"
	headerPrevious = "Millrace-Previous"
	headerEvents   = "Millrace-Events"
	headerSearch   = "Millrace-Search"
	headerWeight   = "Millrace-Weight"

	headerReason    = "Millrace-Reason"
	headerSubject   = "Millrace-Subject"
	headerWorkflow  = "Millrace-Workflow"
	headerRun       = "Millrace-Run"
	headerTruncated = "Millrace-Truncated"
	// originalPrefix is put before the headers of a dead letter, so that they mean nothing to the broker.
	originalPrefix = "Original-"
)

// Headers that the broker knows.
const (
	headerExpected        = "Nats-Expected-Last-Subject-Sequence"
	headerExpectedSubject = "Nats-Expected-Last-Subject-Sequence-Subject"
	headerMsgID           = "Nats-Msg-Id"
	headerSchedule        = "Nats-Schedule"
	headerScheduleTarget  = "Nats-Schedule-Target"
	headerKVOperation     = "KV-Operation"

	// Of the members of an atomic batch, and of the last of them.
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"

	// Of republished messages and of answers to direct reads.
	headerStoredStream  = "Nats-Stream"
	headerStoredSubject = "Nats-Subject"
	headerSequence      = "Nats-Sequence"
	headerTimestamp     = "Nats-Time-Stamp"
	// Of answers to direct reads of several messages.
	headerNumPending   = "Nats-Num-Pending"
	headerLastSequence = "Nats-Last-Sequence"

	headerNATSStatus   = "Status"
	statusEndOfBatch   = "204"
	statusNotFound     = "404"
	statusNoResponders = "503"
	// headerDescription says more of the status; noResults is that of a read of several subjects that are all empty.
	headerDescription = "Description"
	noResults         = "No Results"
)

func recordHeader(info RecordInfo) nats.Header {
	h := make(nats.Header, recordHeaders+1) // and the expectation
	values := make([]string, 0, recordHeaders)
	set := func(key, value string) {
		k := len(values)
		values = append(values, value)
		h[key] = values[k : k+1 : k+1]
	}
	set(headerNumber, strconv.FormatUint(info.Number, 10))
	set(headerCommit, EncodeToken(info.CommitID))
	if info.Previous > 0 {
		set(headerPrevious, strconv.FormatUint(info.Previous, 10))
	}
	if info.Type != "" {
		set(headerType, EncodeToken(info.Type))
	}
	if info.Status != "" {
		set(headerStatus, EncodeToken(info.Status))
	}
	if info.LastEvent > 0 {
		set(headerEvents, strconv.FormatInt(info.LastEvent, 10))
	}
	if info.Search != "" {
		set(headerSearch, info.Search)
	}
	return h
}

// recordHeaders is how many headers of ours a record has at most.
const recordHeaders = 7

// parseRecordHeader is the inverse of recordHeader. Headers that are not exactly what that writes are not ours.
func parseRecordHeader(h nats.Header) (info RecordInfo, ok bool) {
	number, ok1 := numberIn(h, headerNumber)
	previous, ok2 := numberIn(h, headerPrevious)
	events, ok3 := numberIn(h, headerEvents)
	commit, ok4 := textIn(h, headerCommit)
	typ, ok5 := textIn(h, headerType)
	status, ok6 := textIn(h, headerStatus)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || number == 0 || len(h[headerCommit]) == 0 {
		return RecordInfo{}, false
	}
	return RecordInfo{
		Number: number, CommitID: commit, Previous: previous, Type: typ, Status: status, LastEvent: int64(events),
		Search: h.Get(headerSearch),
	}, true
}

// numberIn reads a header that holds a number of at most 63 bits; an absent one is 0.
func numberIn(h nats.Header, key string) (uint64, bool) {
	values := h[key]
	if len(values) == 0 {
		return 0, true
	}
	v, err := strconv.ParseUint(values[0], 10, 63)
	return v, err == nil && len(values) == 1
}

// textIn reads a header that holds a token; an absent one is empty.
func textIn(h nats.Header, key string) (string, bool) {
	values := h[key]
	if len(values) == 0 {
		return "", true
	}
	s, err := DecodeToken(values[0])
	return s, err == nil && len(values) == 1
}

// expect makes a publish conditional: the last message on the check subject (empty: on the message's own) is the one
// at sequence expected.
func expect(h nats.Header, check string, expected uint64) {
	h[headerExpected] = []string{strconv.FormatUint(expected, 10)}
	if check != "" {
		h[headerExpectedSubject] = []string{check}
	}
}
