//go:build linux

package forgetfs

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// ErrNoFUSE is returned when this machine, or this user, cannot mount a file system.
var ErrNoFUSE = errors.New("no file system can be mounted here")

// fuseDevice is where the kernel asks.
const fuseDevice = "/dev/fuse"

// fsType is the type that the table of mounts shows, sourcePrefix and the process ID the source.
const (
	fsType       = "forgetfs"
	sourcePrefix = "millrace-forgetfs-"
)

// Mounted is a Disk that processes can use.
type Mounted struct {
	dir    string
	server *fuse.Server
}

// Mount shows the disk at a directory, which must exist. A disk is mounted at one place at a time. It needs the right to
// mount, which root has; everything else is ErrNoFUSE.
func (d *Disk) Mount(dir string) (*Mounted, error) {
	if device, err := os.OpenFile(fuseDevice, os.O_RDWR, 0); err != nil {
		return nil, fmt.Errorf("mount %s: %w: %w", dir, ErrNoFUSE, err)
	} else if err := device.Close(); err != nil {
		return nil, fmt.Errorf("mount %s: %w", dir, err)
	}
	// The kernel may believe what it has heard: nobody changes the disk behind its back while it is mounted.
	lasting := time.Hour
	o := &fusefs.Options{EntryTimeout: &lasting, AttrTimeout: &lasting, MountOptions: fuse.MountOptions{
		Name: fsType, FsName: sourcePrefix + strconv.Itoa(os.Getpid()), DirectMountStrict: true, MaxWrite: 1 << 20,
		DisableXAttrs: true,
	}}
	server, err := fusefs.Mount(dir, &node{disk: d, file: d.root}, o)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENODEV) {
		err = fmt.Errorf("%w: %w", ErrNoFUSE, err)
	}
	if err != nil {
		return nil, fmt.Errorf("mount %s: %w", dir, err)
	}
	return &Mounted{dir, server}, nil
}

// Unmount takes the disk away, from those who still use it as well, and returns when nobody is being served any more.
func (m *Mounted) Unmount() error {
	if err := syscall.Unmount(m.dir, syscall.MNT_FORCE|syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", m.dir, err)
	}
	m.server.Wait()
	return nil
}

// UnmountStale takes away what processes have mounted that live no more, and says where that was.
func UnmountStale() ([]string, error) {
	table, err := os.Open("/proc/self/mounts")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("unmount what is stale: %w", err)
	}
	defer table.Close()
	var stale []string
	var errs []error
	for lines := bufio.NewScanner(table); lines.Scan(); {
		source, rest, _ := strings.Cut(lines.Text(), " ")
		dir, _, _ := strings.Cut(rest, " ")
		pid, err := strconv.Atoi(strings.TrimPrefix(source, sourcePrefix))
		if !strings.HasPrefix(source, sourcePrefix) || err != nil || syscall.Kill(pid, 0) != syscall.ESRCH {
			continue
		}
		stale = append(stale, dir)
		errs = append(errs, syscall.Unmount(dir, syscall.MNT_FORCE|syscall.MNT_DETACH))
	}
	return stale, errors.Join(errs...)
}
