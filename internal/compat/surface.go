package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const surfacePreface = `# What this module exports, and where that is less than Temporal's of the same name: what ` + "`millrace migrate`" + `
# tells people. Written by ` + "`make compat`" + `; do not edit.
`

// ownPackage is a package that programs may import.
type ownPackage struct {
	name  string
	names map[string]bool
}

// ownPackages finds what the whole repository exports, also nested modules. It reads declarations only: what is built
// on another system counts.
func ownPackages(root string) (map[string]*ownPackage, error) {
	out := make(map[string]*ownPackage)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if base == "internal" || base == "testdata" || base == "examples" || base == "integration" || name != root && strings.HasPrefix(base, ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if f.Name.Name == "main" {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		path := filepath.ToSlash(rel)
		if out[path] == nil {
			out[path] = &ownPackage{name: f.Name.Name, names: make(map[string]bool)}
		}
		for _, id := range exported(f) {
			out[path].names[id] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the packages below %s: %w", root, err)
	}
	return out, nil
}

// exported returns the exported identifiers that a file declares at the top.
func exported(f *ast.File) []string {
	var out []string
	add := func(id *ast.Ident) {
		if id.IsExported() {
			out = append(out, id.Name)
		}
	}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				add(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				for _, id := range declared(spec) {
					add(id)
				}
			}
		}
	}
	return out
}

// writeSurface writes internal/migrate/surface.txt.
func writeSurface(root string, all []identifier) error {
	packages, err := ownPackages(root)
	if err != nil {
		return err
	}
	differences := make(map[publicName][]string)
	for _, id := range all {
		differences[id.name] = id.differences
	}
	var b strings.Builder
	b.WriteString(surfacePreface)
	for _, path := range slices.Sorted(maps.Keys(packages)) {
		importPath := ourModule
		if path != "." {
			importPath += "/" + path
		}
		fmt.Fprintf(&b, "\npackage %s %s\n", path, packages[path].name)
		for _, name := range slices.Sorted(maps.Keys(packages[path].names)) {
			b.WriteString(name)
			if d := differences[publicName{importPath, name}]; len(d) > 0 {
				b.WriteString(": " + strings.Join(d, "; "))
			}
			b.WriteByte('\n')
		}
	}
	name := filepath.Join(root, "internal", "migrate", "surface.txt")
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the surface: %w", err)
	}
	return nil
}
