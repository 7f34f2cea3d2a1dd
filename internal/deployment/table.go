// Package deployment decides which build of the code a new run is bound to. It is pure: the table is stored by package
// streams.
package deployment

import (
	"encoding/json"
	"fmt"
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
	// Lent are, by task queue and by the build that runs were started on (empty for none), the builds that decide for
	// some of them by an override; empty for the target of new runs.
	Lent map[string]map[string][]string `json:"lent,omitempty"`
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
	// Manager is who alone may change the deployment, empty for anyone.
	Manager string `json:"manager,omitempty"`

	Builds map[string]*Build `json:"builds,omitempty"`
}

// Build is a version of the code that a worker has.
type Build struct {
	Created time.Time `json:"created"`
	// Pinned are the workflow types, by task queue, whose runs are to stay with the build; AllTypes stands for those that a
	// dynamic workflow runs. A queue without such types is here, too.
	Pinned map[string][]string `json:"pinned"`
	// Activities are the task queues whose activities its workers run.
	Activities []string `json:"activities,omitempty"`
	// Metadata is what users have noted: payloads.
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
	// Changed is when its part in routing changed, Left when new runs stopped going to it.
	Changed time.Time `json:"changed,omitzero"`
	Left    time.Time `json:"left,omitzero"`
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
	for name, d := range t.Deployments {
		if d == nil {
			return nil, fmt.Errorf("parse table of deployments: deployment %q is null", name)
		}
		if d.Builds == nil {
			d.Builds = map[string]*Build{}
		}
		for id, b := range d.Builds {
			if b == nil {
				return nil, fmt.Errorf("parse table of deployments: build %q of deployment %q is null", id, name)
			}
			if b.Pinned == nil {
				b.Pinned = map[string][]string{}
			}
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

// Register notes that a worker of v decides for runs of a queue, and which workflow types stay with it there. It says
// whether that is new.
func (t *Table) Register(v Version, queue string, pinned []string, now time.Time) bool {
	b := t.build(v, now)
	known, ok := b.Pinned[queue]
	if ok && slices.Equal(known, pinned) {
		return false
	}
	b.Pinned[queue] = append([]string{}, pinned...)
	return true
}

// RegisterActivities notes that a worker of v runs the activities of a queue. It says whether that is new.
func (t *Table) RegisterActivities(v Version, queue string, now time.Time) bool {
	b := t.build(v, now)
	at, known := slices.BinarySearch(b.Activities, queue)
	if known {
		return false
	}
	b.Activities = slices.Insert(b.Activities, at, queue)
	return true
}

// build is v's, created when it is new.
func (t *Table) build(v Version, now time.Time) *Build {
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
	return b
}

// Build is what is known of v, nil when none of its workers has started.
func (t *Table) Build(v Version) *Build {
	if d := t.Deployments[v.DeploymentName]; d != nil {
		return d.Builds[v.BuildID]
	}
	return nil
}
