package history

import (
	"strings"

	"github.com/millrace-dev/millrace/api/common"
)

// Aside is what comes along with the arguments of one call. It stays in every message that the call leads to: nothing of
// it is stored apart.
type Aside struct {
	Header *common.Header
	Memo   *common.Memo
	Search *common.SearchAttributes
	Retry  *RetryPolicy
	Texts  []string
	Reason string
}

// Aside is what comes along with the start's arguments.
func (s *Start) Aside() Aside {
	return Aside{Header: s.Header, Memo: s.Memo, Search: s.Search, Retry: s.RetryPolicy, Texts: []string{s.StaticSummary, s.StaticDetails, s.CronSchedule}}
}

// Aside is what comes along with the arguments in a message from outside.
func (m *Message) Aside() Aside {
	switch {
	case m.Signal != nil:
		return Aside{Header: m.Signal.Header}
	case m.Update != nil:
		return Aside{Header: m.Update.Header}
	case m.Cancel != nil:
		return Aside{Reason: m.Cancel.Reason}
	case m.Terminate != nil:
		return Aside{Reason: m.Terminate.Reason}
	}
	return Aside{}
}

// FieldOverhead is how many bytes a field counts beside its name and its payload: what frames these in a message.
const FieldOverhead = 16

// Fits says whether all of it together has at most limit bytes, and else what has how many.
func (a Aside) Fits(limit int) (field string, size int, ok bool) {
	parts := a.sizes()
	for _, n := range parts {
		size += n
	}
	if size <= limit {
		return "", size, true
	}
	var fields []string
	for i, n := range parts {
		if n > limit {
			return asideNames[i], n, false
		}
		if n > 0 {
			fields = append(fields, asideNames[i])
		}
	}
	last := len(fields) - 1
	return strings.Join(fields[:last], ", ") + " and " + fields[last], size, false
}

// asideNames are the names of what sizes counts.
var asideNames = [...]string{"header", "memo", "search attributes", "retry policy", "summary and details", "reason"}

func (a Aside) sizes() [len(asideNames)]int {
	types, texts := 0, 0
	if a.Retry != nil {
		for _, t := range a.Retry.NonRetryableErrorTypes {
			types += len(t) + FieldOverhead
		}
	}
	for _, t := range a.Texts {
		texts += len(t)
	}
	return [...]int{fieldsSize(a.Header.GetFields()), fieldsSize(a.Memo.GetFields()), fieldsSize(a.Search.GetIndexedFields()), types, texts, len(a.Reason)}
}

func fieldsSize(fields map[string]*common.Payload) int {
	n := 0
	for k, p := range fields {
		n += len(k) + FieldOverhead + (&common.Payloads{Payloads: []*common.Payload{p}}).Size()
	}
	return n
}
