//go:build linux

package forgetfs

import (
	"context"
	"io/fs"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node shows an inode to the kernel.
type node struct {
	fusefs.Inode
	disk *Disk
	file *inode
}

// handle is an open file.
type handle struct {
	// sync is set when each write is to be kept before it is answered.
	sync bool
	// add is set when each write goes to the end.
	add bool
}

var (
	_ fusefs.NodeLookuper  = (*node)(nil)
	_ fusefs.NodeGetattrer = (*node)(nil)
	_ fusefs.NodeSetattrer = (*node)(nil)
	_ fusefs.NodeCreater   = (*node)(nil)
	_ fusefs.NodeMkdirer   = (*node)(nil)
	_ fusefs.NodeUnlinker  = (*node)(nil)
	_ fusefs.NodeRmdirer   = (*node)(nil)
	_ fusefs.NodeRenamer   = (*node)(nil)
	_ fusefs.NodeReaddirer = (*node)(nil)
	_ fusefs.NodeOpener    = (*node)(nil)
	_ fusefs.NodeReader    = (*node)(nil)
	_ fusefs.NodeWriter    = (*node)(nil)
	_ fusefs.NodeFsyncer   = (*node)(nil)
	_ fusefs.NodeStatfser  = (*node)(nil)
)

// typeOf is an inode's type as the kernel wants it.
func typeOf(n *inode) uint32 {
	if n.isDir() {
		return syscall.S_IFDIR
	}
	return syscall.S_IFREG
}

func (n *node) child(ctx context.Context, f *inode, attr *fuse.Attr) *fusefs.Inode {
	n.fill(f, attr)
	return n.NewInode(ctx, &node{disk: n.disk, file: f}, fusefs.StableAttr{Mode: typeOf(f), Ino: f.id})
}

func (n *node) fill(f *inode, attr *fuse.Attr) {
	n.disk.mu.Lock()
	defer n.disk.mu.Unlock()
	attr.Ino, attr.Nlink, attr.Blksize = f.id, 1, blockSize
	attr.Mode = typeOf(f) | uint32(f.mode.Perm())
	attr.Size = uint64(len(f.data))
	attr.Blocks = (attr.Size + sector - 1) / sector
	attr.SetTimes(&f.modified, &f.modified, &f.modified)
}

func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	f := n.disk.lookup(n.file, name)
	if f == nil {
		return nil, syscall.ENOENT
	}
	return n.child(ctx, f, &out.Attr), 0
}

func (n *node) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(n.file, &out.Attr)
	return 0
}

func (n *node) Setattr(_ context.Context, h fusefs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		n.disk.write(n.file, change{off: int64(size)}, syncs(h))
	}
	if mode, ok := in.GetMode(); ok {
		n.disk.mu.Lock()
		n.file.mode = n.file.mode.Type() | fs.FileMode(mode).Perm() // permissions are kept at once: nobody depends on less
		n.disk.mu.Unlock()
	}
	n.fill(n.file, &out.Attr)
	return 0
}

func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, fusefs.FileHandle, uint32, syscall.Errno) {
	f, errno := n.disk.create(n.file, name, fs.FileMode(mode).Perm())
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return n.child(ctx, f, &out.Attr), opened(flags), 0, 0
}

func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	f, errno := n.disk.create(n.file, name, fs.ModeDir|fs.FileMode(mode).Perm())
	if errno != 0 {
		return nil, errno
	}
	return n.child(ctx, f, &out.Attr), 0
}

func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.file, name, false)
}

func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.disk.remove(n.file, name, true)
}

func (n *node) Rename(_ context.Context, name string, to fusefs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	target, ours := to.(*node)
	if !ours || flags != 0 {
		return syscall.EINVAL
	}
	return n.disk.rename(n.file, name, target.file, newName)
}

func (n *node) Readdir(context.Context) (fusefs.DirStream, syscall.Errno) {
	names, nodes := n.disk.list(n.file)
	entries := make([]fuse.DirEntry, len(names))
	for i, name := range names {
		entries[i] = fuse.DirEntry{Name: name, Ino: nodes[i].id, Mode: typeOf(nodes[i])}
	}
	return fusefs.NewListDirStream(entries), 0
}

func opened(flags uint32) *handle {
	return &handle{sync: flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0, add: flags&syscall.O_APPEND != 0}
}

func (n *node) Open(_ context.Context, flags uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	h := opened(flags)
	if flags&syscall.O_TRUNC != 0 {
		n.disk.write(n.file, change{}, h.sync)
	}
	return h, 0, 0
}

func (n *node) Read(_ context.Context, _ fusefs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return fuse.ReadResultData(dest[:n.disk.read(n.file, dest, off)]), 0
}

func syncs(h fusefs.FileHandle) bool {
	opened, ok := h.(*handle)
	return ok && opened.sync
}

func (n *node) Write(_ context.Context, h fusefs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	if opened, ok := h.(*handle); ok && opened.add {
		off = n.disk.end(n.file)
	}
	if len(data) > 0 {
		n.disk.write(n.file, change{off, data}, syncs(h))
	}
	return uint32(len(data)), 0
}

func (n *node) Fsync(context.Context, fusefs.FileHandle, uint32) syscall.Errno {
	n.disk.sync(n.file)
	return 0
}

const (
	blockSize = 4096
	// diskSize is the size that processes are told.
	diskSize = 64 << 30
)

func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	*out = fuse.StatfsOut{Bsize: blockSize, Frsize: blockSize, Blocks: diskSize / blockSize, Bfree: diskSize / blockSize,
		Bavail: diskSize / blockSize, Files: 1 << 20, Ffree: 1 << 20, NameLen: 255}
	return 0
}
