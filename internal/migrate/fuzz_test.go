package migrate

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzRewrite holds for any file that parses: nothing changes before, between and after the import declarations, the
// imports of others stay, and a second run changes nothing.
func FuzzRewrite(f *testing.F) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		s := surface(t)
		file, err := Rewrite("x.go", src, s)
		if err != nil {
			return
		}
		before, others := outside(t, src)
		after, othersAfter := outside(t, file.Source)
		if !bytes.Equal(before, after) || others != othersAfter {
			t.Fatalf("%q became %q", src, file.Source)
		}
		again, err := Rewrite("x.go", file.Source, s)
		if err != nil || again.Rewritten != 0 || !bytes.Equal(again.Source, file.Source) {
			t.Fatalf("a second run: %+v, %v", again, err)
		}
	})
}

// outside returns what is not in an import declaration, and the number of imports that do not concern us.
func outside(t *testing.T, src []byte) (text []byte, others int) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.IMPORT {
			continue
		}
		text = append(text, src[at:fset.PositionFor(gen.Pos(), false).Offset]...)
		at = fset.PositionFor(gen.End(), false).Offset
	}
	for _, spec := range file.Imports {
		if _, _, ok := relative(spec.Path.Value[1 : len(spec.Path.Value)-1]); !ok {
			others++
		}
	}
	return append(text, src[at:]...), others
}
