package streams

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Error codes of JetStream that mean something to us (nats-server 2.15, jetstream_errors_generated.go).
const (
	codeClusterNotAvailable = 10008
	codeClusterNotLeader    = 10009
	codeConsumerNotFound    = 10014
	codeNoResources         = 10023
	codeNoMessage           = 10037
	codeNotEnabledAccount   = 10039
	codeMessageTooLarge     = 10054
	codeStreamExists        = 10058
	codeStreamNotFound      = 10059
	codeWrongLastSequence   = 10071 // the expectation does not hold: a refusal
	codeNotEnabled          = 10076
	codeStoreFailed         = 10077
	codeHeaderTooLarge      = 10097
	codeStreamOffline       = 10118
	codeConsumerExists      = 10148
	codeDuplicateInFlight   = 10158
	codeExpectationNotReady = 10163
	codeInFlight            = 10164 // somebody's write on this subject is being decided: not an answer
	codeBatchesDisabled     = 10174
	codeBatchHeader         = 10177
	codeOfflineReason       = 10194
	codeBatchTooLarge       = 10199
)

// apiError is an error as the broker writes it.
type apiError struct {
	Status      int    `json:"code"`
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (%d)", e.Description, e.Code) }

// refusedError is the broker's answer that an expectation does not hold.
type refusedError struct {
	// last is the sequence that the broker found instead; known says whether it said so.
	last  uint64
	known bool
}

func (e *refusedError) Error() string { return "the expected sequence is not the last" }

// fullError is the broker's answer that a stream has no room for a message: on TASKS, that the subject holds one.
type fullError struct{ description string }

func (e *fullError) Error() string { return e.description }

func (e *fullError) Unwrap() error { return ErrRejected }

// missingError says that an object or message does not exist.
type missingError struct{ code int }

func (e *missingError) Error() string {
	switch e.code {
	case codeStreamNotFound:
		return "no such stream"
	case codeConsumerNotFound:
		return "no such consumer"
	}
	return "no such message"
}

// Is matches ErrNotFound for messages only: a stream that is gone says nothing about what was in it.
func (e *missingError) Is(target error) bool {
	if e.code == codeNoMessage {
		return target == ErrNotFound
	}
	return target == ErrRejected
}

// existsError says that an object exists with another configuration.
type existsError struct{ *apiError }

// isUnsupported says whether the broker refused a batch because it accepts none like it.
func isUnsupported(err error) bool {
	var e *apiError
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == codeBatchesDisabled || e.Code == codeBatchHeader || e.Code == codeBatchTooLarge
}

// classified is what e means. This is the only place that decides it.
func (e *apiError) classified() error {
	switch e.Code {
	case codeWrongLastSequence:
		_, text, found := strings.Cut(e.Description, ": ")
		last, err := strconv.ParseUint(text, 10, 64)
		return &refusedError{last: last, known: found && err == nil}
	case codeInFlight, codeDuplicateInFlight, codeExpectationNotReady, codeClusterNotAvailable, codeClusterNotLeader,
		codeNoResources, codeStreamOffline, codeOfflineReason:
		return &unansweredError{e}
	case codeStoreFailed:
		if strings.Contains(e.Description, "message size") || strings.Contains(e.Description, "too large") {
			return fmt.Errorf("%w: %w", ErrTooLarge, e)
		}
		return &fullError{e.Description}
	case codeMessageTooLarge, codeHeaderTooLarge:
		return fmt.Errorf("%w: %w", ErrTooLarge, e)
	case codeNoMessage, codeStreamNotFound, codeConsumerNotFound:
		return &missingError{e.Code}
	case codeStreamExists, codeConsumerExists:
		return &existsError{e}
	case codeNotEnabled, codeNotEnabledAccount:
		return fmt.Errorf("%w: JetStream is off: %w", ErrRejected, e)
	}
	if e.Status == 503 {
		return &unansweredError{e}
	}
	return fmt.Errorf("%w: %w", ErrRejected, e)
}
