package daemon

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

const (
	verbStart  = "start"
	verbSignal = "signal"

	defaultTaskQueue = "default"
	// maxRequestID bounds the request ID, which becomes part of a hash only: it is there to stop accidents.
	maxRequestID = 1000
)

// order is an intake message that can be carried out.
type order struct {
	verb string
	// name is the workflow type or the signal's name.
	name       string
	workflowID string
	queue      string
	requestID  string
	input      *common.Payloads
	// key identifies the request, at is its time for what is derived of it.
	key string
	at  time.Time
}

// read makes an order of a message, or says what is wrong with it and how to do it right.
func read(m *streams.IntakeMessage, now time.Time) (*order, *refusal) {
	if r := checkSubject(m); r != nil {
		return nil, r
	}
	if h := m.UnknownHeader(); h != "" {
		return nil, invalid("header %q is not one of %s, %s and %s (their spelling counts, upper and lower case too)", h,
			streams.HeaderIntakeWorkflowID, streams.HeaderIntakeTaskQueue, streams.HeaderIntakeRequestID)
	}
	o := &order{verb: m.Verb, at: m.Published}
	var headerID string
	for _, h := range []struct {
		name  string
		value *string
	}{
		{streams.HeaderIntakeWorkflowID, &headerID},
		{streams.HeaderIntakeTaskQueue, &o.queue},
		{streams.HeaderIntakeRequestID, &o.requestID},
	} {
		switch values := m.Headers[h.name]; {
		case len(values) > 1:
			return nil, invalid("header %s is there %d times: send it once", h.name, len(values))
		case len(values) == 1 && values[0] == "":
			return nil, invalid("header %s is empty: leave it out, or give it a value", h.name)
		case len(values) == 1:
			*h.value = values[0]
		}
	}
	if r := o.address(m, headerID); r != nil {
		return nil, r
	}
	o.identify(m, now)
	return o, o.body(m.Data)
}

// checkSubject refuses subjects that are not of a known form.
func checkSubject(m *streams.IntakeMessage) *refusal {
	switch {
	case m.Verb != verbStart && m.Verb != verbSignal:
		return invalid("subject %s: %q is not start or signal", m.Subject, m.Verb)
	case m.Verb == verbStart && m.Name == "":
		return invalid("subject %s: the workflow type is missing: end it in start.TYPE.WORKFLOW-ID", m.Subject)
	case m.Name == "":
		return invalid("subject %s: the signal's name is missing: end it in signal.NAME.WORKFLOW-ID", m.Subject)
	}
	return nil
}

// address fills in what the order is for. The workflow ID is the last part of the subject, or a header.
func (o *order) address(m *streams.IntakeMessage, headerID string) *refusal {
	o.name, o.workflowID = m.Name, m.ID
	if o.verb == verbSignal && o.queue != "" {
		return invalid("header %s is for starts: a signal goes to the queue of its run", streams.HeaderIntakeTaskQueue)
	}
	switch {
	case headerID == "":
	case o.workflowID == "":
		o.workflowID = headerID
	case o.workflowID != headerID:
		return invalid("header %s is %q, the subject says %q: leave the header out", streams.HeaderIntakeWorkflowID, headerID, o.workflowID)
	}
	if o.verb == verbSignal && o.workflowID == "" {
		return invalid("subject %s: the workflow ID is missing: end it in signal.NAME.WORKFLOW-ID, or give it in header %s",
			m.Subject, streams.HeaderIntakeWorkflowID)
	}
	if o.workflowID != "" {
		if err := streams.CheckWorkflowID(o.workflowID); err != nil {
			return invalid("%v", err)
		}
	}
	if o.verb == verbStart {
		if o.queue == "" {
			o.queue = defaultTaskQueue
		}
		if err := streams.CheckTaskQueue(o.queue); err != nil {
			return invalid("%v", err)
		}
	}
	if len(o.requestID) > maxRequestID {
		return invalid("header %s has %d bytes, at most %d are possible", streams.HeaderIntakeRequestID, len(o.requestID), maxRequestID)
	}
	return nil
}

// identify gives the order a key that is the same each time the request is delivered or repeated.
func (o *order) identify(m *streams.IntakeMessage, now time.Time) {
	switch {
	case o.requestID != "":
		// A repetition comes at another time, so the time is none.
		o.key, o.at = strings.Join([]string{"request", o.verb, o.name, o.requestID}, "\x00"), time.UnixMilli(0)
	case m.Key != "":
		o.key = m.Key
	default:
		o.key, o.at = uuid.NewString(), now
	}
}

// body takes the message's body as the one argument.
func (o *order) body(data []byte) *refusal {
	if len(data) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return invalid("body is not JSON (%v): send one JSON value, a text in double quotes, or nothing", err)
	}
	o.input = &common.Payloads{Payloads: []*common.Payload{{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, Data: data,
	}}}
	return nil
}

// start is the run that a start asks for, at the given time.
func (o *order) start(at time.Time, identity string) *history.Start {
	runID := history.DeriveRunID(history.Run{WorkflowID: o.workflowID, RunID: o.key}, 0, o.at)
	workflowID := o.workflowID
	if workflowID == "" {
		workflowID = runID
	}
	return &history.Start{
		Run:       history.Address{Run: history.Run{WorkflowID: workflowID, RunID: runID}, Queue: o.queue},
		Type:      o.name,
		Input:     o.input,
		Time:      at.Round(0).UTC(),
		Attempt:   1,
		Identity:  identity,
		RequestID: o.requestID,
	}
}

// signal is the message that a signal asks for.
func (o *order) signal(identity string) *history.Message {
	return &history.Message{
		ID:     history.DeriveMessageID(history.Run{WorkflowID: o.workflowID, RunID: o.key}, 0),
		Signal: &history.Signal{Name: o.name, Input: o.input, Identity: identity},
	}
}

// refusal is why a request has no effect, in the words that its sender gets.
type refusal struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	WorkflowID string `json:"workflowId,omitempty"`
	RunID      string `json:"runId,omitempty"`
}

// The codes of refusals.
const (
	codeInvalid        = "invalid"
	codeAlreadyStarted = "already_started"
	codeNotFound       = "not_found"
	codeUnavailable    = "unavailable"
)

func invalid(format string, args ...any) *refusal {
	return &refusal{Code: codeInvalid, Message: fmt.Sprintf(format, args...)}
}

// reply is the JSON object that answers a request.
type reply struct {
	WorkflowID string   `json:"workflowId,omitempty"`
	RunID      string   `json:"runId,omitempty"`
	Error      *refusal `json:"error,omitempty"`
}
