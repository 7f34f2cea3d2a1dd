package deployment

import (
	"maps"
	"slices"
)

// The messages of a run wait, for ever, where those of the build wait that it was started on: its home, empty for none.
// An override lets another build decide for it, whose workers look there, too, once the table says that some runs of that
// home are lent to them. They share the place with the workers at home, and each hands back what is not its own to decide.

// Lend notes that a build (empty for the target of new runs) decides for some runs of a home. It says whether that is
// new.
func (t *Table) Lend(queue, home, build string) bool {
	if home == build || slices.Contains(t.Lent[queue][home], build) {
		return false
	}
	if t.Lent == nil {
		t.Lent = map[string]map[string][]string{}
	}
	if t.Lent[queue] == nil {
		t.Lent[queue] = map[string][]string{}
	}
	t.Lent[queue][home] = append(t.Lent[queue][home], build)
	slices.Sort(t.Lent[queue][home])
	return true
}

// Homes are where workers of v (the zero Version for those without versions) look for runs of a queue, in order.
func (t *Table) Homes(v Version, queue string) []string {
	target := t.Receives(v)
	if v == (Version{}) {
		target = !t.served(queue)
	}
	homes := map[string]bool{}
	if v.BuildID != "" {
		homes[v.BuildID] = true
	}
	if target {
		homes[""] = true
	}
	for home, builds := range t.Lent[queue] {
		if v.BuildID != "" && slices.Contains(builds, v.BuildID) || target && slices.Contains(builds, "") {
			homes[home] = true
		}
	}
	return slices.Sorted(maps.Keys(homes))
}

// served says whether a current version serves the queue, so that nothing is left for workers without versions.
func (t *Table) served(queue string) bool {
	for _, d := range t.Deployments {
		if d.Builds[d.Current].serves(queue) {
			return true
		}
	}
	return false
}

// Lenders are the homes of a queue of which some runs are lent to a build.
func (t *Table) Lenders(queue, build string) []string {
	var lenders []string
	for _, home := range slices.Sorted(maps.Keys(t.Lent[queue])) {
		if slices.Contains(t.Lent[queue][home], build) {
			lenders = append(lenders, home)
		}
	}
	return lenders
}

// forget removes what is lent from and to a build.
func (t *Table) forget(build string) {
	for queue, homes := range t.Lent {
		delete(homes, build)
		for home, builds := range homes {
			if homes[home] = slices.DeleteFunc(builds, func(b string) bool { return b == build }); len(homes[home]) == 0 {
				delete(homes, home)
			}
		}
		if len(homes) == 0 {
			delete(t.Lent, queue)
		}
	}
}
