// Package deployment decides which build of the code a new run is bound to. It is pure: the table is stored by package
// streams.
package deployment

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Version names a build of a deployment. A deployment is a program that is deployed again and again; a build ID is that of
// one version of it.
type Version struct {
	DeploymentName string
	BuildID        string
}

// Table is what is known of all deployments of a namespace.
type Table struct {
	Deployments map[string]*Deployment `json:"deployments,omitempty"`
}

// Deployment is where the runs of a deployment go.
type Deployment struct {
	Created time.Time `json:"created"`
	// Current is the build of new runs, Ramping that of Percentage of them, empty for none.
	Current    string  `json:"current,omitempty"`
	Ramping    string  `json:"ramping,omitempty"`
	Percentage float32 `json:"percentage,omitempty"`

	CurrentChanged    time.Time `json:"currentChanged,omitzero"`
	RampingChanged    time.Time `json:"rampingChanged,omitzero"`
	PercentageChanged time.Time `json:"percentageChanged,omitzero"`
	Modifier          string    `json:"modifier,omitempty"`

	Builds map[string]*Build `json:"builds,omitempty"`
}

// Build is a version of the code that a worker has.
type Build struct {
	Created time.Time `json:"created"`
	// Pinned are the workflow types, by task queue, whose runs are to stay with the build; AllTypes stands for those that a
	// dynamic workflow runs. A queue without such types is here, too.
	Pinned map[string][]string `json:"pinned"`
}

// AllTypes stands for every workflow type.
const AllTypes = "*"

// Parse reads a table; none is an empty one.
func Parse(data []byte) (*Table, error) {
	t := &Table{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, t); err != nil {
			return nil, fmt.Errorf("parse table of deployments: %w", err)
		}
	}
	return t, nil
}

// Encode is what Parse reads.
func (t *Table) Encode() ([]byte, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode table of deployments: %w", err)
	}
	return data, nil
}

// Route is the build that a new run is bound to, empty for none. The same workflow ID is always on the same side of a ramp,
// and on the ramping one of each that is larger.
func (t *Table) Route(queue, workflowID, workflowType string) string {
	if len(t.Deployments) == 0 {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(t.Deployments)) {
		d := t.Deployments[name]
		build := d.Current
		if b := d.Builds[d.Ramping]; b != nil && b.serves(queue) && share(workflowID) < d.Percentage {
			build = d.Ramping
		}
		if b := d.Builds[build]; b != nil && b.serves(queue) {
			if slices.Contains(b.Pinned[queue], workflowType) || slices.Contains(b.Pinned[queue], AllTypes) {
				return build
			}
			return ""
		}
	}
	return ""
}

func (b *Build) serves(queue string) bool {
	_, ok := b.Pinned[queue]
	return ok
}

// share is a number from 0 to below 100 that stands for a workflow ID.
func share(workflowID string) float32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(workflowID)) // never fails
	// The low bits of the hash of texts that differ in the last byte hardly differ.
	x := h.Sum32()
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	return float32(x%10_000) / 100
}

// Register notes that a worker of v serves a queue, and which workflow types stay with it there. It says whether that is
// new.
func (t *Table) Register(v Version, queue string, pinned []string, now time.Time) bool {
	if t.Deployments == nil {
		t.Deployments = map[string]*Deployment{}
	}
	d := t.Deployments[v.DeploymentName]
	if d == nil {
		d = &Deployment{Created: now, Builds: map[string]*Build{}}
		t.Deployments[v.DeploymentName] = d
	}
	b := d.Builds[v.BuildID]
	if b == nil {
		b = &Build{Created: now, Pinned: map[string][]string{}}
		d.Builds[v.BuildID] = b
	}
	known, ok := b.Pinned[queue]
	if ok && slices.Equal(known, pinned) {
		return false
	}
	b.Pinned[queue] = append([]string{}, pinned...)
	return true
}

// IsCurrent says whether runs that are bound to no build are v's.
func (t *Table) IsCurrent(v Version) bool {
	d := t.Deployments[v.DeploymentName]
	return d != nil && d.Current == v.BuildID
}
