package deployment

import (
	"hash/fnv"
	"maps"
	"slices"
)

// Target is the version that decides for the runs of a queue that are bound to no build: the zero Version when these are
// workers without versions. The same workflow ID is always on the same side of a ramp, and on the ramping one of each
// that is larger. A queue that several deployments serve belongs to the first by name.
func (t *Table) Target(queue, workflowID string) Version {
	if len(t.Deployments) == 0 {
		return Version{}
	}
	return t.target(queue, func(d *Deployment) bool { return share(workflowID) < d.Percentage })
}

// RampingTarget is the version that a ramp on the queue leads to, whatever its percentage is; without one the Target.
func (t *Table) RampingTarget(queue string) Version {
	return t.target(queue, func(*Deployment) bool { return true })
}

func (t *Table) target(queue string, ramps func(d *Deployment) bool) Version {
	for _, name := range slices.Sorted(maps.Keys(t.Deployments)) {
		d := t.Deployments[name]
		if d.Builds[d.Ramping].serves(queue) && ramps(d) {
			return Version{name, d.Ramping}
		}
		if d.Builds[d.Current].serves(queue) {
			return Version{name, d.Current}
		}
	}
	return Version{}
}

// Route is the build that a new run is bound to, empty for none.
func (t *Table) Route(queue, workflowID, workflowType string) string {
	return t.Pins(t.Target(queue, workflowID), queue, workflowType)
}

// Pins is v's build if the runs of a workflow type stay with it, else empty.
func (t *Table) Pins(v Version, queue, workflowType string) string {
	b := t.Build(v)
	if b == nil {
		return ""
	}
	if pinned := b.Pinned[queue]; slices.Contains(pinned, workflowType) || slices.Contains(pinned, AllTypes) {
		return v.BuildID
	}
	return ""
}

// Serves says whether workers of the build, of whatever deployment, decide for runs of the queue.
func (t *Table) Serves(build, queue string) bool {
	return t.anyBuild(build, func(b *Build) bool { return b.serves(queue) })
}

// RunsActivities says whether workers of the build, of whatever deployment, run activities of the queue.
func (t *Table) RunsActivities(build, queue string) bool {
	return t.anyBuild(build, func(b *Build) bool { return slices.Contains(b.Activities, queue) })
}

func (t *Table) anyBuild(build string, is func(b *Build) bool) bool {
	for _, d := range t.Deployments {
		if b := d.Builds[build]; b != nil && is(b) {
			return true
		}
	}
	return false
}

// serves is false for no build.
func (b *Build) serves(queue string) bool {
	if b == nil {
		return false
	}
	_, ok := b.Pinned[queue]
	return ok
}

// Receives says whether new runs, or a part of them, go to v: it is the current version or one with a ramp.
func (t *Table) Receives(v Version) bool {
	d := t.Deployments[v.DeploymentName]
	return d != nil && v.BuildID != "" && (d.Current == v.BuildID || d.Ramping == v.BuildID && d.Percentage > 0)
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
