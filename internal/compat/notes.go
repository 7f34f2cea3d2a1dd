package main

import (
	"go/ast"
	"go/types"
	"regexp"
)

// note is what a doc comment says about the standing of what it documents.
type note struct {
	deprecated   bool
	experimental bool
}

var (
	deprecatedMark   = regexp.MustCompile(`(?m)^\s*Deprecated(:| - )`)
	experimentalMark = regexp.MustCompile(`(?mi)^\s*(NOTE: experimental|(WARNING|NOTE): .*\bexperimental\b)`)
)

// takeNotes reads the doc comments of all declarations, fields and methods of interfaces.
func takeNotes(notes map[types.Object]note, files []*ast.File, info *types.Info) {
	add := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		n := notes[info.Defs[id]]
		for _, doc := range docs {
			text := doc.Text() // of nil, too
			n.deprecated = n.deprecated || deprecatedMark.MatchString(text)
			n.experimental = n.experimental || experimentalMark.MatchString(text)
		}
		if obj := info.Defs[id]; obj != nil && n != (note{}) {
			notes[obj] = n
		}
	}
	for _, file := range files {
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Lparen.IsValid() {
				continue
			}
			for _, spec := range gen.Specs { // the one that the comment above `type`, `var` or `const` is about
				for _, id := range declared(spec) {
					add(id, gen.Doc)
				}
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				add(n.Name, n.Doc)
			case *ast.TypeSpec:
				add(n.Name, n.Doc, n.Comment)
			case *ast.ValueSpec:
				for _, id := range n.Names {
					add(id, n.Doc, n.Comment)
				}
			case *ast.Field:
				for _, id := range n.Names {
					add(id, n.Doc, n.Comment)
				}
			}
			return true
		})
	}
}

func declared(spec ast.Spec) []*ast.Ident {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return []*ast.Ident{spec.Name}
	case *ast.ValueSpec:
		return spec.Names
	}
	return nil
}
