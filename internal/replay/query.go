package replay

import (
	"encoding/json"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
)

// StackTraceQuery is the query that every run answers itself, with Machine.StackTrace as a JSON string.
const StackTraceQuery = "__stack_trace"

// Query calls the code's query handler. A handler that panics gives a *PanicError, and the Machine lives on. Closed
// runs answer too. The sentinels say why there is no answer.
func (m *Machine) Query(name string, args *common.Payloads) (result *common.Payloads, _ error) {
	return m.QueryWithHeader(name, args, nil)
}

// QueryWithHeader is Query with what came beside the arguments.
func (m *Machine) QueryWithHeader(name string, args *common.Payloads, header *common.Header) (result *common.Payloads, _ error) {
	if err := m.usable(); err != nil {
		return nil, err
	}
	if !m.started() {
		return nil, fmt.Errorf("query %q of run %s: %w", name, m.run(), ErrNotStarted)
	}
	if name == StackTraceQuery {
		return jsonPayload(m.StackTrace())
	}
	if m.requests.onQuery == nil {
		return nil, fmt.Errorf("query %q of run %s: %w", name, m.run(), ErrNoQueryHandler)
	}
	replaying := m.replaying
	m.replaying, m.requests.queryHeader = false, header
	defer func() { m.replaying, m.requests.queryHeader = replaying, nil }()
	var answerErr error
	if err := m.drive(func() {
		m.phase = querying
		result, answerErr = m.requests.onQuery(name, args)
	}); err != nil {
		return nil, err
	}
	return result, answerErr
}

func jsonPayload(v any) (*common.Payloads, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode query result: %w", err)
	}
	p := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: data}
	return &common.Payloads{Payloads: []*common.Payload{p}}, nil
}
