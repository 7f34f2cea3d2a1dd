package lint

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRepository applies every policy to this module.
func TestRepository(t *testing.T) {
	root := moduleRoot(t)
	tree, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Files) < 10 {
		t.Fatalf("only %d Go files in %s: the module is not there", len(tree.Files), root)
	}
	for _, p := range Policies() {
		t.Run(p.Name, func(t *testing.T) {
			for _, v := range p.Check(tree) {
				t.Error(v)
			}
		})
	}
}

func TestDependenciesAreDocumented(t *testing.T) {
	root := moduleRoot(t)
	tree, err := Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range undocumented(tree, string(doc)) {
		t.Error(v)
	}
}

func TestUndocumentedDependencyIsCaught(t *testing.T) {
	tree := source{"p/p.go": importing("p", "fmt", "net/http", Module+"/log", "example.org/good/v2/sub", "example.org/goodish")}.load(t)
	got := undocumented(tree, "| module | what |\n|---|---|\n| `example.org/good` | x |\n")
	if len(got) != 1 || !strings.Contains(got[0].String(), "example.org/goodish has no line") {
		t.Fatalf("violations %v, want one for example.org/goodish", got)
	}
}

// TestLongFunctionsAreStillLong keeps the list of exceptions from outliving its reasons.
func TestLongFunctionsAreStillLong(t *testing.T) {
	tree, err := Load(os.DirFS(moduleRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	listed := longFunctions()
	for _, f := range tree.Files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || listed[f.functionName(fn)] == "" {
				continue
			}
			if tree.fset.Position(fn.End()).Line-tree.fset.Position(fn.Pos()).Line >= maxFunctionLines {
				delete(listed, f.functionName(fn))
			}
		}
	}
	for name := range listed {
		t.Errorf("%s is listed as a long function, but is not one", name)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}
