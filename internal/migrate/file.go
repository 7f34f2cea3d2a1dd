package migrate

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// File is what became of a file.
type File struct {
	Path      string // as given to Rewrite
	Rewritten int    // import paths
	Gaps      []Gap  // by line of Source
	Generated bool   // it says that a program wrote it, which will write Temporal's paths again
	Source    []byte // as it is to be; that of the original if Rewritten is 0
}

// Gap is a place that will not do what it did with Temporal's SDK.
type Gap struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"` // as a sentence without its end
}

// Rewrite brings one file over. Path is for messages. A file that does not parse is an error; whether it would
// compile does not matter, nor do its build constraints.
func Rewrite(path string, src []byte, s *Surface) (*File, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, path, src, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	f := &File{Path: path, Source: src}
	imports := resolve(syntax, s)
	if edits := rewriteImports(fset, imports); len(edits) > 0 {
		f.Rewritten, f.Generated = len(edits), ast.IsGenerated(syntax)
		f.Source = sorted(src, apply(src, edits))
		if syntax, err = parser.ParseFile(fset, path, f.Source, parser.ParseComments); err != nil {
			return nil, fmt.Errorf("parse what was rewritten: %w", err)
		}
		imports = resolve(syntax, s)
	}
	f.Gaps = findGaps(fset, syntax, imports)
	return f, nil
}

// imported is an import of Temporal's or of ours.
type imported struct {
	spec *ast.ImportSpec
	path string // as it is
	pkg  string // of ours, relative to the module
	have *pkg   // nil if we have no such package
	ours bool   // it was rewritten before
	name string // by which the file refers to it; "_" or "." have their special meaning
}

// resolve returns the imports that concern us.
func resolve(syntax *ast.File, s *Surface) []*imported {
	var out []*imported
	for _, spec := range syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser accepts valid literals only
		}
		rel, ours, ok := relative(path)
		if !ok || ours && strings.Contains("/"+rel+"/", "/internal/") { // the latter is nobody's surface
			continue
		}
		i := &imported{spec: spec, path: path, pkg: rel, have: s.packages[rel], ours: ours}
		switch {
		case spec.Name != nil:
			i.name = spec.Name.Name
		case ours && i.have != nil:
			i.name = i.have.name
		default:
			i.name = packageName(path)
		}
		out = append(out, i)
	}
	return out
}

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// rewriteImports returns the edits, in order.
func rewriteImports(fset *token.FileSet, imports []*imported) []edit {
	var out []edit
	for _, i := range imports {
		if i.ours || i.have == nil || clashes(i, imports) {
			continue
		}
		lit := i.spec.Path
		quote := lit.Value[:1] // a raw string stays one
		text := quote + absolute(i.pkg) + quote
		if i.spec.Name == nil && i.have.name != i.name {
			text = i.name + " " + text
		}
		start := fset.Position(lit.Pos()).Offset
		out = append(out, edit{start, start + len(lit.Value), text})
	}
	return out
}

// clashes reports whether our package is imported already by the same name: twice would not compile.
func clashes(i *imported, all []*imported) bool {
	return i.name != "_" && slices.ContainsFunc(all, func(o *imported) bool { return o.ours && o.name == i.name })
}

func apply(src []byte, edits []edit) []byte {
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		out.Write(src[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(src[at:])
	return out.Bytes()
}

// sorted puts the imports of a file in order if those of the original were. Formatting changes nothing but that in a
// file that was formatted before; other files stay as they are.
func sorted(before, after []byte) []byte {
	if was, err := format.Source(before); err != nil || !bytes.Equal(was, before) {
		return after
	}
	out, err := format.Source(after)
	if err != nil {
		return after
	}
	return out
}
