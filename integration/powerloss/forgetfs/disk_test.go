package forgetfs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// files is what a disk holds: contents by path; a directory that is empty ends in a slash.
type files map[string]string

// system is what a script can be played on: a disk, or the place where it is mounted.
type system interface {
	do(t *testing.T, command string, args []string)
	files(t *testing.T) files
}

// play plays a script, a command a line:
//
//	mkdir D, create F, write F OFFSET TEXT, append F TEXT, truncate F SIZE, mv FROM TO, rm F, rmdir D, sync F
func play(t *testing.T, s system, script string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(script), "\n") {
		words := strings.Fields(line)
		s.do(t, words[0], words[1:])
	}
}

func same(t *testing.T, what string, got, want files) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// scripts say what is there before a power cut, and after it under each model.
var scripts = []struct {
	name, script             string
	before, strict, journals files
}{
	{"nothing synced", `
		create a
		write a 0 hello`,
		files{"a": "hello"}, files{}, files{}},
	{"file synced, name not", `
		create a
		write a 0 hello
		sync a`,
		files{"a": "hello"}, files{}, files{"a": "hello"}},
	{"name synced, content not", `
		create a
		write a 0 hello
		sync /`,
		files{"a": "hello"}, files{"a": ""}, files{"a": ""}},
	{"both synced", `
		create a
		write a 0 hello
		sync a
		sync /`,
		files{"a": "hello"}, files{"a": "hello"}, files{"a": "hello"}},
	{"written after the sync", `
		create a
		write a 0 hello
		sync a
		sync /
		append a world
		write a 0 J`,
		files{"a": "Jelloworld"}, files{"a": "hello"}, files{"a": "hello"}},
	{"truncated after the sync", `
		create a
		write a 0 hello
		sync a
		sync /
		truncate a 2`,
		files{"a": "he"}, files{"a": "hello"}, files{"a": "hello"}},
	{"truncation synced, and grown", `
		create a
		write a 0 hello
		truncate a 2
		truncate a 4
		sync a
		sync /`,
		files{"a": "he\x00\x00"}, files{"a": "he\x00\x00"}, files{"a": "he\x00\x00"}},
	{"removed and not synced", `
		create a
		write a 0 hello
		sync a
		sync /
		rm a`,
		files{}, files{"a": "hello"}, files{"a": "hello"}},
	{"removed, another file synced", `
		create a
		create b
		sync /
		rm a
		sync b`,
		files{"b": ""}, files{"a": "", "b": ""}, files{"a": "", "b": ""}},
	{"removed, another file grown and synced", `
		create a
		create b
		sync /
		rm a
		append b hello
		sync b`,
		files{"b": "hello"}, files{"a": "", "b": "hello"}, files{"b": "hello"}},
	{"removed, another file overwritten and synced", `
		create a
		create b
		append b hello
		sync b
		sync /
		rm a
		write b 0 J
		sync b`,
		files{"b": "Jello"}, files{"a": "", "b": "Jello"}, files{"a": "", "b": "Jello"}},
	{"replaced by a rename", `
		create a
		write a 0 old
		sync a
		sync /
		create a.tmp
		write a.tmp 0 new
		sync a.tmp
		mv a.tmp a`,
		files{"a": "new"}, files{"a": "old"}, files{"a": "old", "a.tmp": "new"}},
	{"replaced by a rename, directory synced", `
		create a
		write a 0 old
		sync a
		sync /
		create a.tmp
		write a.tmp 0 new
		sync a.tmp
		mv a.tmp a
		sync /`,
		files{"a": "new"}, files{"a": "new"}, files{"a": "new"}},
	{"replaced by a rename, content never synced", `
		create a
		write a 0 old
		sync a
		sync /
		create a.tmp
		write a.tmp 0 new
		mv a.tmp a
		sync /`,
		files{"a": "new"}, files{"a": ""}, files{"a": ""}},
	{"directory whose own name is not synced", `
		mkdir d
		create d/a
		write d/a 0 hello
		sync d/a
		sync d`,
		files{"d/a": "hello"}, files{}, files{"d/a": "hello"}},
	{"moved to another directory, which is synced", `
		mkdir d
		create a
		write a 0 hello
		sync a
		sync /
		mv a d/b
		sync d`,
		files{"d/b": "hello"}, files{"a": "hello", "d/b": "hello"}, files{"d/b": "hello"}},
	{"moved to another directory, the old one synced", `
		mkdir d
		create a
		sync /
		mv a d/b
		sync /`,
		files{"d/b": ""}, files{"d/": ""}, files{"d/b": ""}},
	{"removed directory", `
		mkdir d
		create d/a
		sync d
		sync /
		rm d/a
		rmdir d`,
		files{}, files{"d/a": ""}, files{"d/a": ""}},
}

// onDisk plays scripts on a Disk itself.
type onDisk struct{ *Disk }

// find is the inode at a path, and its parent.
func (s onDisk) find(name string) (dir *inode, base string, n *inode) {
	n = s.root
	for part := range strings.SplitSeq(strings.Trim(path.Clean(name), "/"), "/") {
		if dir, base = n, part; part != "" {
			n = s.lookup(dir, part)
		}
	}
	return dir, base, n
}

func (s onDisk) do(t *testing.T, command string, args []string) {
	t.Helper()
	dir, base, n := s.find(args[0])
	var errno syscall.Errno
	switch command {
	case "mkdir":
		_, errno = s.create(dir, base, 1<<31|0o755)
	case "create":
		_, errno = s.create(dir, base, 0o644)
	case "write":
		s.write(n, change{number(t, args[1]), []byte(args[2])}, false)
	case "append":
		s.write(n, change{s.end(n), []byte(args[1])}, false)
	case "truncate":
		s.write(n, change{off: number(t, args[1])}, false)
	case "mv":
		to, newName, _ := s.find(args[1])
		errno = s.rename(dir, base, to, newName)
	case "rm", "rmdir":
		errno = s.remove(dir, base, command == "rmdir")
	case "sync":
		s.sync(n)
	default:
		t.Fatalf("unknown command %q", command)
	}
	if errno != 0 {
		t.Fatalf("%s %v: %v", command, args, errno)
	}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s onDisk) files(*testing.T) files {
	found := files{}
	var visit func(prefix string, dir *inode)
	visit = func(prefix string, dir *inode) {
		names, nodes := s.list(dir)
		for i, name := range names {
			switch n := nodes[i]; {
			case !n.isDir():
				found[prefix+name] = string(n.data)
			case len(n.entries) == 0:
				found[prefix+name+"/"] = ""
			default:
				visit(prefix+name+"/", n)
			}
		}
	}
	visit("", s.root)
	return found
}

func TestAPowerCutLeavesWhatWasSynced(t *testing.T) {
	t.Parallel()
	for _, tt := range scripts {
		for model, want := range map[Model]files{Strict: tt.strict, Journal: tt.journals} {
			t.Run(fmt.Sprint(tt.name, " ", model), func(t *testing.T) {
				t.Parallel()
				s := onDisk{NewDisk(model)}
				play(t, s, tt.script)
				same(t, "before", s.files(t), tt.before)
				s.Cut(Forget, nil)
				same(t, "after the power cut", s.files(t), want)
				s.Cut(Forget, nil)
				same(t, "after another", s.files(t), want)
			})
		}
	}
}

func TestTheDiskGoesOnAfterAPowerCut(t *testing.T) {
	t.Parallel()
	s := onDisk{NewDisk(Strict)}
	play(t, s, "create a\nwrite a 0 hello\nsync a\nsync /\nwrite a 0 HELLO")
	lost := s.Cut(Forget, nil)
	if want := (Lost{Writes: 1, Bytes: 5}); lost != want {
		t.Errorf("lost %+v, want %+v", lost, want)
	}
	play(t, s, "mkdir d\ncreate d/x\nwrite d/x 0 1")
	s.Keep()
	play(t, s, "append a world\nsync a\ncreate b\nrm d/x\nrmdir d")
	same(t, "before", s.files(t), files{"a": "helloworld", "b": ""})
	if lost, want := s.Cut(Forget, nil), (Lost{Names: 3}); lost != want {
		t.Errorf("lost %+v, want %+v", lost, want)
	}
	same(t, "after", s.files(t), files{"a": "helloworld", "d/x": "1"})
}

// TestWhatSurvivesUnsynced cuts the power many times and compares the set of outcomes with all that are allowed.
func TestWhatSurvivesUnsynced(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1200)
	for _, tt := range []struct {
		loss   Loss
		script string
		want   []files
	}{
		{Prefix, "write a 0 1\nwrite a 1 2\ntruncate a 1",
			[]files{{"a": ""}, {"a": "1"}, {"a": "12"}}},
		{Scatter, "write a 0 1\nwrite a 1 2",
			[]files{{"a": ""}, {"a": "1"}, {"a": "\x002"}, {"a": "12"}}},
		{Prefix, "create b\nmv b c\nrm a",
			[]files{{"a": ""}, {"a": "", "b": ""}, {"a": "", "c": ""}, {"c": ""}}},
		{Torn, "write a 0 1234\nwrite a 4 " + long,
			[]files{{"a": ""}, {"a": "1234" + long[:508]}, {"a": "1234" + long[:1020]}, {"a": "1234" + long}}},
		{Torn, "write a 0 1234", // within a sector: all or nothing
			[]files{{"a": ""}, {"a": "1234"}}},
	} {
		t.Run(fmt.Sprint(tt.loss, " ", strings.Fields(tt.script)[0]), func(t *testing.T) {
			t.Parallel()
			met := map[string]bool{}
			for seed := range uint64(200) {
				s := onDisk{NewDisk(Strict)}
				play(t, s, "create a\nsync /\n"+tt.script)
				s.Cut(tt.loss, rand.New(rand.NewPCG(seed, 0)))
				met[fmt.Sprint(s.files(t))] = true
			}
			want := map[string]bool{}
			for _, f := range tt.want {
				want[fmt.Sprint(f)] = true
			}
			if !maps.Equal(met, want) {
				t.Errorf("%v left\n%v, want\n%v", tt.loss, met, want)
			}
		})
	}
}

func TestWhatIsSyncedSurvivesEveryLoss(t *testing.T) {
	t.Parallel()
	for _, loss := range []Loss{Forget, Prefix, Torn, Scatter} {
		for _, model := range []Model{Strict, Journal} {
			r := rand.New(rand.NewPCG(1, uint64(loss)))
			s := onDisk{NewDisk(model)}
			play(t, s, "create a\nsync /")
			kept := ""
			for i := range 100 {
				text := strings.Repeat(string(rune('a'+i%26)), 1+r.IntN(2000))
				play(t, s, "append a "+text+"\nsync a\nappend a lost")
				kept += text
				s.Cut(loss, r)
				got := s.files(t)["a"]
				if !strings.HasPrefix(got, kept) {
					t.Fatalf("%v under %v: after %d power cuts what was synced is not the beginning of what is there", loss, model, i+1)
				}
				kept = got // what survived unsynced is there to stay
				play(t, s, "sync a")
			}
		}
	}
}

func TestNamesAreRefused(t *testing.T) {
	t.Parallel()
	s := onDisk{NewDisk(Strict)}
	play(t, s, "mkdir d\ncreate d/a\ncreate f\nmkdir e")
	for what, errno := range map[string]syscall.Errno{
		"create again":            second(s.create(s.root, "f", 0o644)),
		"rm of a directory":       s.remove(s.root, "d", false),
		"rmdir of a full one":     s.remove(s.root, "d", true),
		"rmdir of a file":         s.remove(s.root, "f", true),
		"rm of nothing":           s.remove(s.root, "x", false),
		"mv of nothing":           s.rename(s.root, "x", s.root, "y"),
		"mv of a file over a dir": s.rename(s.root, "f", s.root, "e"),
		"mv of a dir over a file": s.rename(s.root, "e", s.root, "f"),
		"mv over a full dir":      s.rename(s.root, "e", s.root, "d"),
	} {
		if errno == 0 {
			t.Errorf("%s was accepted", what)
		}
	}
	same(t, "all as it was", s.files(t), files{"d/a": "", "e/": "", "f": ""})
}

func second(_ *inode, errno syscall.Errno) syscall.Errno { return errno }
