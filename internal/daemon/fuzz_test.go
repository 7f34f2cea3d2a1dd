package daemon

import (
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// FuzzRead gives the intake anything. What it takes for an order can be carried out: the start or signal that it becomes
// can be stored, and read again.
func FuzzRead(f *testing.F) {
	f.Add("start", "Order", "order-7", "", "orders", "", []byte(`{"id": 7}`))
	f.Add("signal", "approve", "", "order-7", "", "r", []byte(`"Ann"`))
	f.Add("start", "Order", "a b", "a c", "", "", []byte("not JSON"))
	f.Add("start", "Order", "order-7", "", "", "", []byte("[[[[["))
	f.Fuzz(func(t *testing.T, verb, name, id, headerID, queue, request string, body []byte) {
		headers := map[string][]string{}
		for key, v := range map[string]string{streams.HeaderIntakeWorkflowID: headerID, streams.HeaderIntakeTaskQueue: queue, streams.HeaderIntakeRequestID: request} {
			if v != "" {
				headers[key] = []string{v}
			}
		}
		m := &streams.IntakeMessage{Verb: verb, Name: name, ID: id, Subject: "x", Headers: headers, Data: body, Key: "k", Published: time.UnixMilli(1)}
		o, refused := read(m, time.UnixMilli(2))
		if refused != nil {
			if refused.Message == "" {
				t.Error("it is refused without a reason")
			}
			return
		}
		var err error
		if o.verb == verbStart {
			err = startable(o.start(m.Published, "x"))
		} else {
			err = sendable(o.signal("x"))
		}
		if err != nil && utf8.ValidString(name) {
			t.Errorf("an order that was taken cannot be stored: %v", err)
		}
	})
}

// startable says why a start cannot be stored and read.
func startable(s *history.Start) error {
	data, err := history.Encode(s)
	if err == nil {
		_, err = history.DecodeStart(data)
	}
	return errors.Join(err, streams.CheckWorkflowID(s.Run.WorkflowID), streams.CheckTaskQueue(s.Run.Queue))
}

// sendable says why a message cannot be stored and read.
func sendable(m *history.Message) error {
	data, err := history.Encode(m)
	if err == nil {
		_, err = history.DecodeMessage(data)
	}
	return err
}
