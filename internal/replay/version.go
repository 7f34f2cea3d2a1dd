package replay

import (
	"encoding/json"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// DefaultVersion is the version of code that had no versions yet.
const DefaultVersion int32 = -1

// maxChangeVersions is up to which size in bytes the search attribute of the chosen versions is kept up.
const maxChangeVersions = 2048

// Version is the version of the code for a change. The first question decides: live for newest, which is recorded, and on
// replay for what is recorded in the same transition, or DefaultVersion where nothing is. Every later question has the
// same answer.
func (e *Env) Version(change string, newest int32) int32 {
	m := e.m
	if v, ok := m.versions[change]; ok {
		return v
	}
	if !m.deciding("GetVersion") {
		return newest
	}
	if m.replaying {
		m.setVersion(change, DefaultVersion)
		return DefaultVersion
	}
	m.setVersion(change, newest)
	m.issue(&history.MarkerRecorded{Name: history.MarkerVersion, ID: change, Version: newest})
	m.addChangeVersion(fmt.Sprintf("%s-%d", change, newest))
	return newest
}

func (m *Machine) setVersion(change string, v int32) {
	if m.versions == nil {
		m.versions = map[string]int32{}
	}
	m.versions[change] = v
}

// addChangeVersion adds to the run's search attribute of chosen versions, unless that would be too large.
func (m *Machine) addChangeVersion(version string) {
	var versions []string
	if p := m.search.GetIndexedFields()[history.ChangeVersions]; p != nil && json.Unmarshal(p.Data, &versions) != nil {
		return // nobody but this writes it
	}
	changes, err := history.EncodeChangeVersions(append(versions, version))
	if err != nil || sizeOf(changes.IndexedFields) > maxChangeVersions {
		return
	}
	m.upsertSearch(changes)
}

// recallVersions notes the versions that the record of a transition holds, before its code runs.
func (m *Machine) recallVersions(recorded []history.Event) {
	for i := range recorded {
		if a, ok := recorded[i].Attributes.(*history.MarkerRecorded); ok && a.Name == history.MarkerVersion {
			m.setVersion(a.ID, a.Version)
		}
	}
}

// passVersions repeats the versions, and the search attribute that tells of them, that the record has next. On replay
// nobody else does: so the code may ask earlier or later than it did, more often or not at all any more.
func (m *Machine) passVersions() {
	for r := m.recordedNext(); r != nil; r = m.recordedNext() {
		switch a := r.Attributes.(type) {
		case *history.MarkerRecorded:
			if a.Name != history.MarkerVersion {
				return
			}
			m.issue(a)
		case *history.UpsertWorkflowSearchAttributes:
			if _, ours := a.Search.GetIndexedFields()[history.ChangeVersions]; !ours {
				return
			}
			m.upsertSearch(a.Search)
		default:
			return
		}
	}
}

func sizeOf(fields map[string]*common.Payload) int {
	n := 0
	for k, p := range fields {
		n += len(k) + (&common.Payloads{Payloads: []*common.Payload{p}}).Size()
	}
	return n
}
