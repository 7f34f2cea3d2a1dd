package forgetfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Loss says what becomes, in a power cut, of what nobody has synced.
type Loss int

// The losses.
const (
	// Forget loses all of it.
	Forget Loss = iota
	// Prefix keeps, of each file, some of the oldest changes, and some of the oldest changes of names.
	Prefix
	// Torn is Prefix, and the first write that is lost is lost in part: it ends at a boundary of 512 bytes.
	Torn
	// Scatter keeps any of the changes of each file, in any choice: later ones without earlier ones, with zeros
	// where something is missing.
	Scatter
)

func (l Loss) String() string { return [...]string{"forget", "prefix", "torn", "scatter"}[l] }

// sector is the size of what a disk writes as a whole.
const sector = 512

// Lost counts what a power cut has taken away.
type Lost struct {
	// Names are changes of names, Writes writes and truncations, Bytes what was written by them. Torn counts the writes
	// of which a part survived.
	Names, Writes, Torn int
	Bytes               int64
}

// Plus adds up two losses.
func (l Lost) Plus(more Lost) Lost {
	return Lost{l.Names + more.Names, l.Writes + more.Writes, l.Torn + more.Torn, l.Bytes + more.Bytes}
}

// Cut cuts the power: what was not synced is lost, as far as loss says. r decides what it leaves open; it may be nil for
// Forget. Nobody may use the disk meanwhile, so that it must not be mounted.
func (d *Disk) Cut(loss Loss, r *rand.Rand) Lost {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lost Lost
	if loss != Forget && len(d.names) > 0 {
		if n := r.IntN(len(d.names) + 1); n > 0 {
			d.keepNamesLocked(d.names[n-1].number, anywhere)
		}
	}
	lost.Names = len(d.names)
	d.names = nil
	// Directories that are in two places by a rename of which one half was kept are met twice.
	seen := map[*inode]bool{}
	var visit func(n *inode)
	visit = func(n *inode) {
		if seen[n] {
			return
		}
		seen[n] = true
		if !n.isDir() {
			n.cut(loss, r, &lost)
			return
		}
		n.entries = maps.Clone(n.keptEntries)
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			visit(n.entries[name])
		}
	}
	visit(d.root)
	return lost
}

// cut decides what survives of the content of a file whose name has survived.
func (n *inode) cut(loss Loss, r *rand.Rand, lost *Lost) {
	survivors := 0
	if (loss == Prefix || loss == Torn) && len(n.pending) > 0 {
		survivors = r.IntN(len(n.pending) + 1)
	}
	for i, c := range n.pending {
		survives := i < survivors
		if loss == Scatter {
			survives = r.IntN(2) == 0
		}
		if survives {
			n.kept = c.apply(n.kept)
			continue
		}
		lost.Writes++
		lost.Bytes += int64(len(c.data))
		if part := tear(c, r, loss == Torn && i == survivors); len(part.data) > 0 {
			n.kept = part.apply(n.kept)
			lost.Torn++
			lost.Bytes -= int64(len(part.data))
		}
	}
	n.pending = nil
	n.data = slices.Clone(n.kept)
}

// tear is the beginning of a write, up to the boundary of a sector; nothing when there is none within it.
func tear(c change, r *rand.Rand, torn bool) change {
	first := (c.off/sector + 1) * sector
	last := (c.off + int64(len(c.data)) - 1) / sector * sector
	if !torn || len(c.data) == 0 || last < first {
		return change{}
	}
	at := first + sector*r.Int64N((last-first)/sector+1)
	return change{c.off, c.data[:at-c.off]}
}

// Unkept lists, oldest first, the names that a power cut might take away: how many changes of them nobody has synced, as
// "create a/b", "remove a/b". It is for finding out what a program has forgotten to sync.
func (d *Disk) Unkept() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	paths := map[*inode]string{d.root: ""}
	var visit func(dir *inode)
	visit = func(dir *inode) {
		for name, n := range dir.entries {
			if n.isDir() {
				paths[n] = paths[dir] + name + "/"
				visit(n)
			}
		}
	}
	visit(d.root)
	var all []string
	for _, change := range d.names {
		for _, c := range change.entries {
			what := "create "
			if c.node == nil {
				what = "remove "
			}
			path, there := paths[c.dir]
			if !there {
				path = "(gone)/"
			}
			all = append(all, what+path+c.name)
		}
	}
	return all
}
