package replay

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// Memo is the run's memo as the code has changed it, nil for none. It must not be changed.
func (e *Env) Memo() *common.Memo { return e.m.memo }

// Search are the run's search attributes as the code has changed them, nil for none. They must not be changed.
func (e *Env) Search() *common.SearchAttributes { return e.m.search }

// UpsertSearch decides to change the run's search attributes. When they are too large there is a *LimitError, and nothing
// is decided.
func (e *Env) UpsertSearch(changes *common.SearchAttributes) error {
	m := e.m
	if !m.deciding("UpsertSearch") {
		return nil
	}
	c := m.check("search attributes", "", &history.UpsertWorkflowSearchAttributes{Search: changes})
	c.aside(m.asideOf(&history.Successor{Memo: m.memo, Search: history.MergeSearch(m.search, changes), Header: m.config.Start.Header,
		RetryPolicy: m.config.Start.RetryPolicy}))
	if c.err == nil {
		m.upsertSearch(changes)
	}
	return c.err
}

func (m *Machine) upsertSearch(changes *common.SearchAttributes) {
	m.issue(&history.UpsertWorkflowSearchAttributes{Search: changes})
	m.search = history.MergeSearch(m.search, changes)
}

// UpsertMemo decides to change the run's memo. When it is too large there is a *LimitError, and nothing is decided.
func (e *Env) UpsertMemo(changes *common.Memo) error {
	m := e.m
	if !m.deciding("UpsertMemo") {
		return nil
	}
	a := &history.WorkflowPropertiesModified{Memo: changes}
	merged := history.MergeMemo(m.memo, changes)
	c := m.check("memo", "", a)
	c.aside(m.asideOf(&history.Successor{Memo: merged, Search: m.search, Header: m.config.Start.Header, RetryPolicy: m.config.Start.RetryPolicy}))
	if c.err == nil {
		m.issue(a)
		m.memo = merged
	}
	return c.err
}

// passOn gives a successor the memo and the search attributes that the code has changed. The versions are not for it: its
// code is new from the beginning.
func (m *Machine) passOn(next *history.Successor) {
	if next.Memo == nil && m.memo != m.config.Start.Memo {
		next.Memo = &common.Memo{Fields: m.memo.GetFields()}
	}
	if next.Search == nil && m.search != m.config.Start.Search {
		fields := make(map[string]*common.Payload, len(m.search.GetIndexedFields()))
		for name, p := range m.search.GetIndexedFields() {
			if name != history.ChangeVersions {
				fields[name] = p
			}
		}
		next.Search = &common.SearchAttributes{IndexedFields: fields}
	}
}
