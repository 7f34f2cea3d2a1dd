package migrate

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// finder collects the gaps of a file.
type finder struct {
	fset    *token.FileSet
	names   map[string]bool      // of all imports
	imports map[string]*imported // by name
	methods map[string][]string  // that a type of an imported package lacks: the types by method
	gaps    []Gap
}

// findGaps looks for what the file uses and we lack. It knows no types: a name behind a package is certain, a method
// is told by its name.
func findGaps(fset *token.FileSet, syntax *ast.File, imports []*imported) []Gap {
	f := &finder{fset: fset, names: importNames(syntax), imports: make(map[string]*imported), methods: make(map[string][]string)}
	for _, i := range imports {
		switch {
		case i.have == nil:
			f.add(i.spec, "package %s has no equivalent yet; its import stays as it is", i.path)
			continue
		case !i.ours && clashes(i, imports):
			f.add(i.spec, "%s is imported already by the name %s; the import stays as it is", absolute(i.pkg), i.name)
		case i.name == ".":
			f.add(i.spec, "names that a dot import brings in are not checked")
		}
		f.imports[i.name] = i
		f.learnMethods(i)
	}
	ast.Inspect(syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			f.selector(n)
		case *ast.CompositeLit:
			f.literal(n)
		case *ast.CallExpr:
			f.call(n)
		}
		return true
	})
	slices.SortStableFunc(f.gaps, func(a, b Gap) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	return f.gaps
}

// importNames returns the names of all imports, as their paths suggest them.
func importNames(syntax *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, spec := range syntax.Imports {
		if spec.Name != nil {
			names[spec.Name.Name] = true
		} else if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			names[packageName(path)] = true
		}
	}
	return names
}

func (f *finder) learnMethods(i *imported) {
	for name, d := range i.have.names {
		for _, m := range d.methods {
			f.methods[m] = append(f.methods[m], i.name+"."+name)
		}
	}
}

func (f *finder) add(n ast.Node, text string, args ...any) {
	pos := f.fset.PositionFor(n.Pos(), false) // in this file, whatever a line directive says
	f.gaps = append(f.gaps, Gap{Line: pos.Line, Column: pos.Column, What: fmt.Sprintf(text, args...)})
}

// lookup returns the package that an expression of the form pkg.Name names.
func (f *finder) lookup(e ast.Expr) (i *imported, name string) {
	switch generic := e.(type) {
	case *ast.IndexExpr:
		e = generic.X
	case *ast.IndexListExpr:
		e = generic.X
	}
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return nil, ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || x.Obj != nil { // declared in this file: a variable that hides the package
		return nil, ""
	}
	return f.imports[x.Name], sel.Sel.Name
}

func (f *finder) selector(sel *ast.SelectorExpr) {
	i, name := f.lookup(sel)
	if i == nil {
		return
	}
	d, ok := i.have.names[name]
	if !ok {
		f.add(sel, "%s.%s has no equivalent yet", i.name, name)
		return
	}
	if len(d.rest) > 0 {
		f.add(sel, "%s.%s differs: %s", i.name, name, strings.Join(d.rest, "; "))
	}
}

// literal looks at the fields that a composite literal of one of our structs sets.
func (f *finder) literal(lit *ast.CompositeLit) {
	i, name := f.lookup(lit.Type)
	if i == nil {
		return
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && slices.Contains(i.have.names[name].fields, key.Name) {
			f.add(kv, "%s.%s has no field %s yet", i.name, name, key.Name)
		}
	}
}

// call looks at calls of methods whose names some type lacks. Whether it is that type is not known.
func (f *finder) call(call *ast.CallExpr) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && f.names[x.Name] {
		return // a function of a package
	}
	if types := slices.Sorted(slices.Values(f.methods[sel.Sel.Name])); len(types) > 0 {
		f.add(sel.Sel, "%s has no method %s yet, if that is what this calls", strings.Join(types, " or "), sel.Sel.Name)
	}
}
