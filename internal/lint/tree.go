package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path of the module that is checked.
const Module = "github.com/millrace-dev/millrace"

// Tree is the parsed source of a module.
type Tree struct {
	fset  *token.FileSet
	Files []*File
}

// File is one Go file. Build constraints are not evaluated: the rules hold on every system.
type File struct {
	Dir  string // directory relative to the module's root; the root itself is "."
	Name string
	Test bool // the name ends in _test.go
	*ast.File
	lines int
}

// Policy is one rule.
type Policy struct {
	Name  string
	Check func(*Tree) []Violation
}

// Violation is one place where a rule is broken.
type Violation struct {
	Where string // file:line, or a directory
	Text  string
}

func (v Violation) String() string { return v.Where + ": " + v.Text }

// Policies returns every rule, each of which applies to the whole tree.
func Policies() []Policy {
	return []Policy{
		{"layers", checkLayers},
		{"libraries", checkLibraries},
		{"package comment", checkPackageComments},
		{"package name", checkPackageNames},
		{"open ends", checkOpenEnds},
		{"size", checkSizes},
		{"pure replay", checkPurity},
		{"sleep", checkSleep},
		{"init", checkInit},
		{"wire", checkWire},
	}
}

// Load parses every Go file of the module in fsys, leaving out test data, hidden directories and nested modules.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return t.enter(fsys, name)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		return t.parse(fsys, name)
	})
	if err != nil {
		return nil, fmt.Errorf("load module: %w", err)
	}
	return t, nil
}

// enter answers fs.SkipDir for directories that do not belong to the module.
func (t *Tree) enter(fsys fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *Tree) parse(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.Files = append(t.Files, &File{
		Dir:   path.Dir(name),
		Name:  path.Base(name),
		Test:  strings.HasSuffix(name, "_test.go"),
		File:  f,
		lines: t.fset.File(f.Pos()).LineCount(),
	})
	return nil
}

// violation reports text at n.
func (t *Tree) violation(n ast.Node, text string, args ...any) Violation {
	pos := t.fset.Position(n.Pos())
	return Violation{Where: fmt.Sprintf("%s:%d", pos.Filename, pos.Line), Text: fmt.Sprintf(text, args...)}
}

// byDir groups the files by directory and returns the directories in order.
func (t *Tree) byDir() (dirs []string, files map[string][]*File) {
	files = make(map[string][]*File)
	for _, f := range t.Files {
		if files[f.Dir] == nil {
			dirs = append(dirs, f.Dir)
		}
		files[f.Dir] = append(files[f.Dir], f)
	}
	slices.Sort(dirs)
	return dirs, files
}

// importPath returns what spec imports.
func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser accepts only valid literals
	}
	return p
}

// importedAs returns the name by which f refers to the package of that path, or "" when f does not import it. The
// last element of the path stands for its name, without a version.
func (f *File) importedAs(pkg string) string {
	for _, spec := range f.Imports {
		if importPath(spec) != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

// isSelector reports whether n is a use of pkg.name, where pkg is the name by which a file imports the package.
func isSelector(n ast.Node, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || pkg == "" || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// within reports whether dir is root or below it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}

func withinAny(dir string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(dir, root) })
}

// isTestHelper reports whether dir is a package that exists for the tests of others, such as streams/streamstest.
func isTestHelper(dir string) bool {
	base := path.Base(dir)
	return dir != "." && strings.HasSuffix(base, "test")
}
