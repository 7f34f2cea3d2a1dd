//go:build linux

package forgetfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// mounted plays scripts through the kernel.
type mounted struct{ dir string }

func mount(t *testing.T, d *Disk, dir string) *Mounted {
	t.Helper()
	m, err := d.Mount(dir)
	if errors.Is(err, ErrNoFUSE) {
		t.Skipf("NOT SHOWN, needs root and FUSE: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s mounted) do(t *testing.T, command string, args []string) {
	t.Helper()
	name := filepath.Join(s.dir, args[0])
	var err error
	switch command {
	case "mkdir":
		err = os.Mkdir(name, 0o755)
	case "create":
		err = s.on(name, os.O_CREATE|os.O_EXCL, func(*os.File) error { return nil })
	case "write":
		err = s.on(name, 0, func(f *os.File) error {
			_, err := f.WriteAt([]byte(args[2]), number(t, args[1]))
			return err
		})
	case "append":
		err = s.on(name, os.O_APPEND, func(f *os.File) error {
			_, err := f.WriteString(args[1])
			return err
		})
	case "truncate":
		err = os.Truncate(name, number(t, args[1]))
	case "mv":
		err = os.Rename(name, filepath.Join(s.dir, args[1]))
	case "rm", "rmdir":
		err = os.Remove(name)
	case "sync":
		var f *os.File
		if f, err = os.Open(name); err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
	default:
		t.Fatalf("unknown command %q", command)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s mounted) on(name string, flags int, do func(*os.File) error) error {
	f, err := os.OpenFile(name, os.O_RDWR|flags, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(do(f), f.Close())
}

func (s mounted) files(t *testing.T) files {
	t.Helper()
	found := files{}
	err := filepath.WalkDir(s.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == s.dir {
			return err
		}
		below, err := filepath.Rel(s.dir, name)
		if err != nil {
			return err
		}
		if !e.IsDir() {
			content, err := os.ReadFile(name)
			found[below] = string(content)
			return err
		}
		inside, err := os.ReadDir(name)
		if len(inside) == 0 {
			found[below+"/"] = ""
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMountedDiskLosesTheSame(t *testing.T) {
	t.Parallel()
	for _, tt := range scripts {
		for model, want := range map[Model]files{Strict: tt.strict, Journal: tt.journals} {
			t.Run(fmt.Sprint(tt.name, " ", model), func(t *testing.T) {
				t.Parallel()
				d, s := NewDisk(model), mounted{t.TempDir()}
				m := mount(t, d, s.dir)
				play(t, s, tt.script)
				same(t, "before", s.files(t), tt.before)
				unmount(t, m)
				d.Cut(Forget, nil)
				m = mount(t, d, s.dir)
				defer unmount(t, m)
				same(t, "after the power cut", s.files(t), want)
			})
		}
	}
}

func unmount(t *testing.T, m *Mounted) {
	t.Helper()
	if err := m.Unmount(); err != nil {
		t.Error(err)
	}
}

// TestSynchronousWritesAreKept writes as nats-server writes its small files: with O_SYNC.
func TestSynchronousWritesAreKept(t *testing.T) {
	t.Parallel()
	d, dir := NewDisk(Strict), t.TempDir()
	m := mount(t, d, dir)
	f, err := os.OpenFile(filepath.Join(dir, "a"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_SYNC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	play(t, mounted{dir}, "sync /")
	for _, text := range []string{"hello ", "world"} {
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	// The file is open when the power goes.
	unmount(t, m)
	if lost := d.Cut(Forget, nil); lost != (Lost{}) {
		t.Errorf("lost %+v", lost)
	}
	same(t, "after", onDisk{d}.files(t), files{"a": "hello world"})
	_ = f.Close() // its file system is gone
}

func TestOnlyMountsOfTheDeadAreStale(t *testing.T) {
	t.Parallel()
	d, dir := NewDisk(Strict), t.TempDir()
	m := mount(t, d, dir)
	defer unmount(t, m)
	stale, err := UnmountStale()
	if err != nil {
		t.Error(err)
	}
	for _, s := range stale {
		if s == dir {
			t.Errorf("the mount of a living process was taken to be stale: %s", s)
		}
	}
	play(t, mounted{dir}, "create a")
}
