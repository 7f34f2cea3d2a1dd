// Package common holds the plain Go types that every part of Millrace shares: payloads, headers, memos and the
// names of runs. The names and fields are those of Temporal's API; there is no protobuf underneath.
package common

// Payload is one encoded value: how it was encoded (Metadata, at least "encoding") and the bytes.
type Payload struct {
	Metadata map[string][]byte `msgpack:"m,omitempty" json:"metadata,omitempty"`
	Data     []byte            `msgpack:"d,omitempty" json:"data,omitempty"`
}

// GetMetadata returns the metadata, nil for a nil payload.
func (p *Payload) GetMetadata() map[string][]byte {
	if p == nil {
		return nil
	}
	return p.Metadata
}

// GetData returns the encoded bytes, nil for a nil payload.
func (p *Payload) GetData() []byte {
	if p == nil {
		return nil
	}
	return p.Data
}

// Payloads is an ordered list of payloads: the arguments of a call, or its results.
type Payloads struct {
	Payloads []*Payload `msgpack:"p,omitempty" json:"payloads,omitempty"`
}

// GetPayloads returns the list, nil for a nil receiver.
func (p *Payloads) GetPayloads() []*Payload {
	if p == nil {
		return nil
	}
	return p.Payloads
}

// Size is the number of data and metadata bytes in p, without framing.
func (p *Payloads) Size() int {
	n := 0
	for _, x := range p.GetPayloads() {
		n += len(x.GetData())
		metadata := x.GetMetadata()
		if encoding, ok := metadata[encodingKey]; ok && len(metadata) == 1 {
			n += len(encodingKey) + len(encoding)
			continue
		}
		for k, v := range metadata {
			n += len(k) + len(v)
		}
	}
	return n
}

// encodingKey is the key that the metadata of every payload has, and those of most payloads alone.
const encodingKey = "encoding"

// Header carries context from a caller to the workflow or activity it starts.
type Header struct {
	Fields map[string]*Payload `msgpack:"f,omitempty" json:"fields,omitempty"`
}

// GetFields returns the fields, nil for a nil header.
func (h *Header) GetFields() map[string]*Payload {
	if h == nil {
		return nil
	}
	return h.Fields
}

// Memo is non-indexed information that a user attached to a run.
type Memo struct {
	Fields map[string]*Payload `msgpack:"f,omitempty" json:"fields,omitempty"`
}

// GetFields returns the fields, nil for a nil memo.
func (m *Memo) GetFields() map[string]*Payload {
	if m == nil {
		return nil
	}
	return m.Fields
}

// SearchAttributes is indexed information that a user attached to a run.
type SearchAttributes struct {
	IndexedFields map[string]*Payload `msgpack:"f,omitempty" json:"indexedFields,omitempty"`
}

// GetIndexedFields returns the fields, nil for a nil receiver.
func (s *SearchAttributes) GetIndexedFields() map[string]*Payload {
	if s == nil {
		return nil
	}
	return s.IndexedFields
}

// WorkflowExecution names one run: the user's workflow ID and the run ID.
type WorkflowExecution struct {
	WorkflowId string `msgpack:"w" json:"workflowId"`
	RunId      string `msgpack:"r" json:"runId"`
}

// GetWorkflowId returns the workflow ID, empty for a nil receiver.
func (e *WorkflowExecution) GetWorkflowId() string {
	if e == nil {
		return ""
	}
	return e.WorkflowId
}

// GetRunId returns the run ID, empty for a nil receiver.
func (e *WorkflowExecution) GetRunId() string {
	if e == nil {
		return ""
	}
	return e.RunId
}

// WorkflowType is the registered name of a workflow function.
type WorkflowType struct {
	Name string `msgpack:"n" json:"name"`
}

// GetName returns the name, empty for a nil receiver.
func (t *WorkflowType) GetName() string {
	if t == nil {
		return ""
	}
	return t.Name
}

// ActivityType is the registered name of an activity function.
type ActivityType struct {
	Name string `msgpack:"n" json:"name"`
}

// GetName returns the name, empty for a nil receiver.
func (t *ActivityType) GetName() string {
	if t == nil {
		return ""
	}
	return t.Name
}
