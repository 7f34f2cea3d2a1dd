package main

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
)

// verdict is the outcome for one identifier.
type verdict string

const (
	same    verdict = "same"
	differs verdict = "differs"
	absent  verdict = "absent"
)

// identifier is an exported name of Temporal that counts, and what became of it.
type identifier struct {
	name         publicName
	kind         string
	verdict      verdict
	differences  []string // of one that differs, sorted by member
	experimental bool
}

// compareAll compares every identifier of theirs that counts, package by package in the order of surfacePackages.
func (c *comparer) compareAll() []identifier {
	var out []identifier
	for _, name := range surfacePackages {
		pkg := c.theirs.packages[temporalSDK+"/"+name]
		if pkg == nil {
			continue
		}
		for _, id := range pkg.Scope().Names() {
			if obj := pkg.Scope().Lookup(id); obj.Exported() && c.counted(obj) {
				out = append(out, c.compare(obj))
			}
		}
	}
	return out
}

func (c *comparer) compare(theirs types.Object) identifier {
	name := publicName{rewrite(theirs.Pkg().Path()), theirs.Name()}
	out := identifier{name: name, kind: kindOf(theirs), verdict: absent, experimental: c.experimental(theirs)}
	ours := c.ours.lookup(name.path, name.name)
	if ours == nil {
		return out
	}
	switch {
	case kindOf(ours) != out.kind:
		out.differences = []string{fmt.Sprintf("is a %s, Temporal has a %s", kindOf(ours), out.kind)}
	case out.kind == "type":
		out.differences = c.compareTypes(name, theirs.(*types.TypeName), ours.(*types.TypeName))
	case !c.same(theirs.Type(), ours.Type()):
		out.differences = []string{c.mismatch("", theirs.Type(), ours.Type())}
	}
	out.verdict = same
	if len(out.differences) > 0 {
		out.verdict = differs
	}
	return out
}

func kindOf(obj types.Object) string {
	switch obj.(type) {
	case *types.TypeName:
		return "type"
	case *types.Func:
		return "func"
	case *types.Const:
		return "const"
	}
	return "var"
}

// compareTypes compares what two types of one name offer.
func (c *comparer) compareTypes(name publicName, theirs, ours *types.TypeName) []string {
	a, ok := types.Unalias(theirs.Type()).(*types.Named)
	if !ok || !within(a.Obj().Pkg().Path(), temporalSDK) { // another name of a type of somebody else
		if !c.same(theirs.Type(), ours.Type()) {
			return []string{c.mismatch("", theirs.Type(), ours.Type())}
		}
		return nil
	}
	t := types.Unalias(ours.Type())
	var out []string
	for _, other := range c.names[a.Origin().Obj()] {
		obj := c.ours.lookup(other.path, other.name)
		if other != name && obj != nil && !types.Identical(types.Unalias(obj.Type()), t) {
			out = append(out, fmt.Sprintf("is another type than `%s`", other))
		}
	}
	return append(out, c.compareMembers(a, t)...)
}

// compareMembers compares what can be done with two types.
func (c *comparer) compareMembers(theirs *types.Named, ours types.Type) []string {
	named, ok := ours.(*types.Named)
	if theirs.TypeParams().Len() > 0 && (!ok || !c.sameParameters(theirs.TypeParams(), named.TypeParams())) {
		return []string{"has other type parameters"}
	}
	var out []string
	switch under := theirs.Underlying().(type) {
	case *types.Interface:
		other, ok := ours.Underlying().(*types.Interface)
		if !ok {
			return []string{fmt.Sprintf("is %s, Temporal has an interface", c.text(ours.Underlying()))}
		}
		return c.compareInterfaces(under, other)
	case *types.Struct:
		other, ok := ours.Underlying().(*types.Struct)
		if !ok {
			return []string{fmt.Sprintf("is %s, Temporal has a struct", c.text(ours.Underlying()))}
		}
		out = c.compareFields(under, other)
	default:
		if !c.same(under, ours.Underlying()) {
			out = []string{c.mismatch("", under, ours.Underlying())}
		}
	}
	return append(out, c.compareMethods(theirs, ours)...)
}

func (c *comparer) compareInterfaces(theirs, ours *types.Interface) []string {
	a, b := make(map[string]*types.Func), make(map[string]*types.Func)
	closed := false // to be implemented by embedding only
	for m := range theirs.Methods() {
		a[m.Name()] = m
		closed = closed || !m.Exported()
	}
	for m := range ours.Methods() {
		b[m.Name()] = m
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch theirs, ours := a[name], b[name]; {
		case !theirs.Exported() || !c.counted(theirs):
		case ours == nil:
			out = append(out, fmt.Sprintf("lacks method `%s`", name))
		case !c.same(theirs.Type(), ours.Type()):
			out = append(out, c.mismatch("method "+name, theirs.Type(), ours.Type()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if a[name] == nil && !closed {
			out = append(out, fmt.Sprintf("asks for method `%s` as well", name))
		}
	}
	return out
}

// compareFields compares exported fields; promoted ones count where the embedded struct itself cannot be named.
func (c *comparer) compareFields(theirs, ours *types.Struct) []string {
	a, b := make(map[string]*types.Var), make(map[string]*types.Var)
	exportedFields(theirs, a)
	exportedFields(ours, b)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch theirs, ours := a[name], b[name]; {
		case !c.counted(theirs):
		case ours == nil:
			out = append(out, fmt.Sprintf("lacks field `%s`", name))
		case theirs.Embedded() != ours.Embedded():
			out = append(out, fmt.Sprintf("field `%s` is embedded on one side only", name))
		case !c.same(theirs.Type(), ours.Type()):
			out = append(out, c.mismatch("field "+name, theirs.Type(), ours.Type()))
		}
	}
	return out
}

func exportedFields(s *types.Struct, into map[string]*types.Var) {
	for f := range s.Fields() {
		if f.Exported() {
			if into[f.Name()] == nil {
				into[f.Name()] = f
			}
			continue
		}
		t := types.Unalias(f.Type())
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if inner, ok := t.Underlying().(*types.Struct); ok && f.Embedded() {
			exportedFields(inner, into)
		}
	}
}

// compareMethods compares the exported methods of types that are not interfaces.
func (c *comparer) compareMethods(theirs, ours types.Type) []string {
	onPointer := types.NewMethodSet(types.NewPointer(ours))
	onValue := types.NewMethodSet(ours)
	theirsOnValue := types.NewMethodSet(theirs)
	var out []string
	for sel := range types.NewMethodSet(types.NewPointer(theirs)).Methods() {
		m := sel.Obj()
		if !m.Exported() || !c.counted(m) {
			continue
		}
		switch other := onPointer.Lookup(nil, m.Name()); {
		case other == nil:
			out = append(out, fmt.Sprintf("lacks method `%s`", m.Name()))
		case !c.same(m.Type(), other.Obj().Type()):
			out = append(out, c.mismatch("method "+m.Name(), m.Type(), other.Obj().Type()))
		case theirsOnValue.Lookup(nil, m.Name()) != nil && onValue.Lookup(nil, m.Name()) == nil:
			out = append(out, fmt.Sprintf("method `%s` needs a pointer", m.Name()))
		}
	}
	return out
}
