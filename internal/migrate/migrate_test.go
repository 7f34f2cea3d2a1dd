package migrate

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the expected files of testdata/*.txtar")

func surface(t *testing.T) *Surface {
	t.Helper()
	text, err := os.ReadFile("testdata/surface.txt")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSurface(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRewrite brings over the file before.go of each archive and compares with its after.go and report.
func TestRewrite(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	s := surface(t)
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before := a.Files[0].Data
			if bytes.Contains(a.Comment, []byte("CRLF")) {
				before = bytes.ReplaceAll(before, []byte("\n"), []byte("\r\n"))
			}
			after, report := rewritten(t, before, s)
			a.Files = append(a.Files[:1:1], txtar.File{Name: "after.go", Data: after}, txtar.File{Name: "report", Data: report})
			if *update {
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := txtar.Format(a); !bytes.Equal(got, txtar.Format(want)) {
				t.Errorf("got\n%s\nwant\n%s", got, txtar.Format(want))
			}
		})
	}
}

// rewritten rewrites src, checks what must hold for any file, and returns the result without carriage returns.
func rewritten(t *testing.T, src []byte, s *Surface) (after, report []byte) {
	t.Helper()
	f, err := Rewrite("before.go", src, s)
	if err != nil {
		return nil, fmt.Appendf(nil, "error: %v\n", err)
	}
	again, err := Rewrite("before.go", f.Source, s)
	if err != nil {
		t.Fatalf("the result: %v", err)
	}
	if !slices.Equal(again.Gaps, f.Gaps) {
		t.Errorf("a second run tells of other gaps: %v", again.Gaps)
	}
	if again.Rewritten != 0 || !bytes.Equal(again.Source, f.Source) {
		t.Errorf("a second run changes %d imports", again.Rewritten)
	}
	if a, b := countLines(src), countLines(f.Source); a != b {
		t.Errorf("the file had %d lines and has %d", a, b)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "rewritten: %d\n", f.Rewritten)
	if f.Generated {
		b.WriteString("generated\n")
	}
	for _, g := range f.Gaps {
		fmt.Fprintf(&b, "%d:%d: %s\n", g.Line, g.Column, g.What)
	}
	return bytes.ReplaceAll(f.Source, []byte("\r\n"), []byte("\n")), b.Bytes()
}

func countLines(b []byte) [2]int {
	return [2]int{bytes.Count(b, []byte("\n")), bytes.Count(b, []byte("\r\n"))}
}

func TestRewriteLeavesOtherFilesAlone(t *testing.T) {
	src := []byte("package p\nimport   \"fmt\"\nvar  s = \"go.temporal.io/sdk/workflow\" // go.temporal.io/sdk/client\nfunc f() { fmt.Println(s) }")
	f, err := Rewrite("a.go", src, surface(t))
	if err != nil || f.Rewritten != 0 || !bytes.Equal(f.Source, src) {
		t.Fatalf("got %+v, %v", f, err)
	}
}

func TestKnownHasWhatEveryProgramImports(t *testing.T) {
	s, err := Known()
	if err != nil {
		t.Fatal(err)
	}
	for path, names := range map[string][]string{
		".": {"RetryPolicy"}, "client": {"Dial"}, "worker": {"New"}, "workflow": {"Context"}, "activity": {"GetInfo"}, "log": {"Logger"},
	} {
		for _, name := range names {
			if p := s.packages[path]; p == nil {
				t.Errorf("no package %s", path)
			} else if _, ok := p.names[name]; !ok {
				t.Errorf("no %s in package %s", name, path)
			}
		}
	}
	if name := s.packages["."].name; name != "millrace" {
		t.Errorf("the root is package %s", name)
	}
}

func TestReadSurfaceRefusesNonsense(t *testing.T) {
	for text, want := range map[string]string{
		"package workflow": `surface line 1: "package workflow": want package PATH NAME`,
		"\nContext":        `surface line 2: "Context": belongs to no package`,
	} {
		if _, err := ReadSurface(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"a.go", "a_test.go", "a.txt", "sub/b.go", "sub/.hidden/x.go", "_old/x.go", "vendor/x.go", "sub/vendor/x.go",
		"testdata/x.go", "nested/go.mod", "nested/x.go", "go.mod",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.go", filepath.Join(dir, "link.go")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{[]string{"./..."}, "a.go a_test.go sub/b.go | nested"},
		{[]string{"..."}, "a.go a_test.go sub/b.go | nested"},
		{[]string{"."}, "a.go a_test.go | "},
		{[]string{"./sub", "./a.go", "sub/..."}, "a.go sub/b.go | "},
		{[]string{"nested/..."}, "nested/x.go | "},
		{[]string{"testdata"}, "testdata/x.go | "},
	} {
		files, nested, err := Find(dir, c.patterns)
		if err != nil {
			t.Errorf("%v: %v", c.patterns, err)
			continue
		}
		for i := range files {
			files[i] = filepath.Clean(files[i])
		}
		if got := strings.Join(files, " ") + " | " + strings.Join(nested, " "); got != c.want {
			t.Errorf("%v: got %s, want %s", c.patterns, got, c.want)
		}
	}
	if _, _, err := Find(dir, []string{"example.com/x"}); err == nil || !strings.Contains(err.Error(), "not import paths") {
		t.Errorf("an import path: %v", err)
	}
}

func TestReplaceKeepsPermissions(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(name, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Replace(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, _ := os.ReadFile(name); string(got) != "new" {
		t.Errorf("content %q", got)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestGoModEdit(t *testing.T) {
	dir := t.TempDir()
	mod := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(mod, []byte("module example.com/x\n\ngo 1.26\n\nrequire go.temporal.io/sdk v1.48.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (GoMod{Version: "v0.0.0", Replace: "../millrace"}).Edit(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(mod)
	if err != nil {
		t.Fatal(err)
	}
	want := "module example.com/x\n\ngo 1.26\n\nrequire " + Module + " v0.0.0\n\nreplace " + Module + " => ../millrace\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := (GoMod{Version: "v0.0.0"}).Edit(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("no module: %v", err)
	}
}
