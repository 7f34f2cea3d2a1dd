package deployment

import "time"

// SetCurrent lets new runs go to a build, empty for workers without versions. A ramp to that build ends.
func (d *Deployment) SetCurrent(build string, now time.Time) {
	if d.Ramping == build {
		d.Ramping, d.Percentage, d.RampingChanged, d.PercentageChanged = "", 0, now, now
	}
	old := d.Current
	d.Current, d.CurrentChanged = build, now
	d.moved(old, now)
	d.moved(build, now)
}

// SetRamping lets a percentage of the runs go to a build, empty for none.
func (d *Deployment) SetRamping(build string, percentage float32, now time.Time) {
	old := d.Ramping
	if old != build {
		d.RampingChanged = now
	}
	if build == "" {
		percentage = 0
	}
	d.Ramping, d.Percentage, d.PercentageChanged = build, percentage, now
	d.moved(old, now)
	d.moved(build, now)
}

// moved notes a change in a build's part in routing.
func (d *Deployment) moved(build string, now time.Time) {
	b := d.Builds[build]
	if b == nil {
		return
	}
	b.Changed, b.Left = now, now
	if d.Current == build || d.Ramping == build {
		b.Left = time.Time{}
	}
}

// Remove removes a build of the deployment and what is known of it.
func (t *Table) Remove(v Version) {
	if d := t.Deployments[v.DeploymentName]; d != nil {
		delete(d.Builds, v.BuildID)
	}
	if !t.anyBuild(v.BuildID, func(*Build) bool { return true }) {
		t.forget(v.BuildID)
	}
}
