package gatewire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
)

// maxCauses bounds how deep failures may be nested.
const maxCauses = 100

// Checked is a request that is checked beyond the shape of its JSON.
type Checked interface{ Check() error }

// Decode reads a request: one JSON object with known fields only, so that what a sender believes to say is heard or
// refused. It checks the request if that is Checked.
func Decode(data []byte, request any) error {
	if len(data) == 0 {
		data = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return Refuse("request is not one JSON object as the protocol describes it: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Refuse("request has something behind its JSON object")
	}
	if c, ok := request.(Checked); ok {
		return c.Check()
	}
	return nil
}

// checkPayloads refuses what must not come from outside: nothing in the place of a payload, and references to what is
// stored elsewhere, which the engine would fetch for whoever names them.
func checkPayloads(lists ...*common.Payloads) error {
	for _, list := range lists {
		for _, p := range list.GetPayloads() {
			if err := checkPayload(p); err != nil {
				return err
			}
		}
		if size := list.Size(); size > MaxPayload {
			return Refuse("payloads have %d bytes, the limit is %d", size, MaxPayload)
		}
	}
	return nil
}

func checkPayload(p *common.Payload) error {
	switch {
	case p == nil:
		return Refuse("a payload is null")
	case converter.IsReference(p):
		return Refuse("a payload refers to one that is stored elsewhere: a gateway takes the payload itself")
	}
	return nil
}

func checkFields(fields ...map[string]*common.Payload) error {
	for _, f := range fields {
		for _, p := range f {
			if err := checkPayload(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkFailure(f *failure.Failure) error {
	for depth := 0; f != nil; f, depth = f.Cause, depth+1 {
		if depth > maxCauses {
			return Refuse("failure has more than %d causes", maxCauses)
		}
		if f.EncodedAttributes != nil {
			if err := checkPayload(f.EncodedAttributes); err != nil {
				return err
			}
		}
		var lists []*common.Payloads
		if i := f.ApplicationFailureInfo; i != nil {
			lists = append(lists, i.Details)
		}
		if i := f.CanceledFailureInfo; i != nil {
			lists = append(lists, i.Details)
		}
		if i := f.TimeoutFailureInfo; i != nil {
			lists = append(lists, i.LastHeartbeatDetails)
		}
		if err := checkPayloads(lists...); err != nil {
			return err
		}
	}
	return nil
}

func checkText(field, text string) error {
	if len(text) > maxText {
		return Refuse("%s has %d bytes, the limit is %d", field, len(text), maxText)
	}
	return nil
}

// Check refuses what cannot be started.
func (r *StartRequest) Check() error {
	if err := checkPayloads(r.Input); err != nil {
		return err
	}
	if r.Signal != nil {
		if r.Signal.Header != nil || r.Signal.Identity != "" {
			return Refuse("signal has the header and the identity of the start")
		}
		if err := checkPayloads(r.Signal.Input); err != nil {
			return err
		}
	}
	return checkFields(r.Header.GetFields(), r.Memo.GetFields(), r.SearchAttributes.GetIndexedFields())
}

// Check refuses what is no signal.
func (r *SignalRequest) Check() error {
	return errors.Join(r.SignalBody.check(), checkText("identity", r.Identity), checkPayloads(r.Input), checkFields(r.Header.GetFields()))
}

// Check refuses what cannot be told apart from others, and texts that are too long.
func (r *CancelRequest) Check() error {
	return errors.Join(CheckID(r.ID), checkText("reason", r.Reason), checkText("identity", r.Identity), checkText("firstRunId", r.FirstRunID))
}

// Check is that of CancelRequest.
func (r *TerminateRequest) Check() error {
	return errors.Join(r.CancelRequest.Check(), checkPayloads(r.Details))
}

// Check refuses what is no query.
func (r *QueryRequest) Check() error {
	return errors.Join(checkText("type", r.Type), checkPayloads(r.Args), checkFields(r.Header.GetFields()))
}

// Check refuses what is no update.
func (r *UpdateRequest) Check() error {
	if r.Name == "" {
		return Refuse("name is empty: name the update handler")
	}
	if r.Stage < 1 || r.Stage > 3 {
		return Refuse("stage is %d: must be 1 for admitted, 2 for accepted or 3 for completed", r.Stage)
	}
	return errors.Join(CheckID(r.ID), checkText("name", r.Name), checkText("identity", r.Identity), checkText("firstRunId", r.FirstRunID),
		checkPayloads(r.Input), checkFields(r.Header.GetFields()))
}

// Check refuses what names no update.
func (r *OutcomeRequest) Check() error { return CheckID(r.ID) }
