package forgetfs

import (
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Model says what an fsync keeps. See the package comment.
type Model int

// The models.
const (
	Strict Model = iota
	Journal
)

func (m Model) String() string {
	if m == Strict {
		return "strict"
	}
	return "journal"
}

// Disk is a file system in memory that knows what it would lose. It is safe for concurrent use.
type Disk struct {
	model Model

	mu     sync.Mutex // guards the rest, and everything below root
	root   *inode
	lastID uint64
	// names are the changes of names that are not kept yet, oldest first; renames counts all that there ever were.
	names   []*naming
	renames int
	// syncs counts what processes have asked to keep, writes what they have written.
	syncs, writes int
}

// inode is a file or a directory. A field whose name begins with kept is what a power cut leaves.
type inode struct {
	id       uint64
	mode     fs.FileMode
	modified time.Time

	entries, keptEntries map[string]*inode // of a directory
	data, kept           []byte            // of a file
	// pending are the changes of the content that are not kept yet, oldest first.
	pending []change
	// logged is how many changes of names there had been when names or size of this inode changed last.
	logged int
}

func (n *inode) isDir() bool { return n.mode.IsDir() }

// change is a write at an offset or, with nil data, a truncation to it.
type change struct {
	off  int64
	data []byte
}

func (c change) apply(content []byte) []byte {
	if c.data == nil {
		return resize(content, c.off)
	}
	if end := c.off + int64(len(c.data)); end > int64(len(content)) {
		content = resize(content, end)
	}
	copy(content[c.off:], c.data)
	return content
}

// resize cuts off, or adds zeros.
func resize(content []byte, size int64) []byte {
	if missing := size - int64(len(content)); missing > 0 {
		return append(content, make([]byte, missing)...)
	}
	return content[:size]
}

// naming is one change of names that processes see as a whole.
type naming struct {
	// number is 1 for the first that there ever was.
	number  int
	entries []entryChange
}

// entryChange lets a name in a directory mean node, or nothing when that is nil.
type entryChange struct {
	dir  *inode
	name string
	node *inode
}

func (c entryChange) apply(entries map[string]*inode) {
	if c.node == nil {
		delete(entries, c.name)
	} else {
		entries[c.name] = c.node
	}
}

// NewDisk is an empty disk.
func NewDisk(model Model) *Disk {
	d := &Disk{model: model}
	d.root = d.newInodeLocked(fs.ModeDir | 0o755)
	return d
}

func (d *Disk) newInodeLocked(mode fs.FileMode) *inode {
	d.lastID++
	n := &inode{id: d.lastID, mode: mode, modified: time.Now()}
	if mode.IsDir() {
		n.entries, n.keptEntries = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

// Activity says how often processes have written to the disk so far, and how often they have synced.
func (d *Disk) Activity() (writes, syncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes, d.syncs
}

// renameLocked makes changes of names in one step.
func (d *Disk) renameLocked(changes ...entryChange) {
	d.renames++
	for _, c := range changes {
		if was := c.dir.entries[c.name]; was != nil {
			was.logged = d.renames
		}
		c.apply(c.dir.entries)
		c.dir.modified, c.dir.logged = time.Now(), d.renames
		if c.node != nil {
			c.node.logged = d.renames
		}
	}
	d.names = append(d.names, &naming{d.renames, changes})
}

// create makes a file, or with fs.ModeDir a directory.
func (d *Disk) create(dir *inode, name string, mode fs.FileMode) (*inode, syscall.Errno) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if dir.entries[name] != nil {
		return nil, syscall.EEXIST
	}
	n := d.newInodeLocked(mode)
	d.renameLocked(entryChange{dir, name, n})
	return n, 0
}

func (d *Disk) lookup(dir *inode, name string) *inode {
	d.mu.Lock()
	defer d.mu.Unlock()
	return dir.entries[name]
}

// remove removes a file, or with wantDir an empty directory.
func (d *Disk) remove(dir *inode, name string, wantDir bool) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := dir.entries[name]
	switch {
	case n == nil:
		return syscall.ENOENT
	case wantDir && !n.isDir():
		return syscall.ENOTDIR
	case !wantDir && n.isDir():
		return syscall.EISDIR
	case len(n.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.renameLocked(entryChange{dir, name, nil})
	return 0
}

// rename moves a file or directory, over what has the new name if that can be replaced.
func (d *Disk) rename(from *inode, oldName string, to *inode, newName string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, over := from.entries[oldName], to.entries[newName]
	switch {
	case n == nil:
		return syscall.ENOENT
	case over == n:
		return 0
	case over != nil && over.isDir() != n.isDir():
		if over.isDir() {
			return syscall.EISDIR
		}
		return syscall.ENOTDIR
	case over != nil && len(over.entries) > 0:
		return syscall.ENOTEMPTY
	}
	d.renameLocked(entryChange{from, oldName, nil}, entryChange{to, newName, n})
	return 0
}

// list is what a directory holds, by name.
func (d *Disk) list(dir *inode) (names []string, nodes []*inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names = slices.Sorted(maps.Keys(dir.entries))
	for _, name := range names {
		nodes = append(nodes, dir.entries[name])
	}
	return names, nodes
}

func (d *Disk) read(n *inode, dest []byte, off int64) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if off >= int64(len(n.data)) {
		return 0
	}
	return copy(dest, n.data[off:])
}

// write writes data, or truncates when data is nil. With sync it is kept.
func (d *Disk) write(n *inode, c change, sync bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.data = slices.Clone(c.data)
	before := len(n.data)
	if n.data = c.apply(n.data); len(n.data) != before {
		n.logged = d.renames
	}
	n.modified = time.Now()
	n.pending = append(n.pending, c)
	d.writes++
	if sync {
		d.syncLocked(n)
	}
}

// end is where an append begins.
func (d *Disk) end(n *inode) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(n.data))
}

// sync keeps a file or a directory.
func (d *Disk) sync(n *inode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncLocked(n)
}

func (d *Disk) syncLocked(n *inode) {
	d.syncs++
	n.keep()
	if d.model == Strict {
		d.keepNamesLocked(d.renames, func(dir *inode) bool { return dir == n })
	} else {
		d.keepNamesLocked(n.logged, anywhere)
	}
}

// Keep keeps everything that there is, as a system does by itself now and then.
func (d *Disk) Keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keepNamesLocked(d.renames, anywhere)
	seen := map[*inode]bool{}
	var visit func(n *inode)
	visit = func(n *inode) {
		if seen[n] {
			return
		}
		seen[n] = true
		n.keep()
		for _, below := range n.entries {
			visit(below)
		}
	}
	visit(d.root)
}

// keep keeps the content.
func (n *inode) keep() {
	for _, c := range n.pending {
		n.kept = c.apply(n.kept)
	}
	n.pending = nil
}

func anywhere(*inode) bool { return true }

// keepNamesLocked keeps the changes of names up to the one with that number, as far as they are in directories that match.
func (d *Disk) keepNamesLocked(last int, match func(dir *inode) bool) {
	d.names = slices.DeleteFunc(d.names, func(change *naming) bool {
		if change.number > last {
			return false
		}
		change.entries = slices.DeleteFunc(change.entries, func(c entryChange) bool {
			if !match(c.dir) {
				return false
			}
			c.apply(c.dir.keptEntries)
			return true
		})
		return len(change.entries) == 0
	})
}
