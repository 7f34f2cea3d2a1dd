package main

import (
	"go/types"
	"slices"
	"strings"
)

// publicName is a name that a program can write, after rewriting.
type publicName struct{ path, name string }

func (n publicName) String() string { return shortName(n.path) + "." + n.name }

// comparer tells whether types of theirs and types of ours are the same to a program whose imports were rewritten.
type comparer struct {
	theirs, ours *world

	names      map[*types.TypeName][]publicName // public names of types of Temporal's SDK
	interfaces []*types.TypeName                // those of names that are interfaces
	// assumed holds the pairs of types without a public name that are being compared: one that leads back to itself is
	// taken to be the same on the way.
	assumed map[[2]types.Type]bool
}

func newComparer(theirs, ours *world) *comparer {
	c := &comparer{
		theirs: theirs, ours: ours,
		names: make(map[*types.TypeName][]publicName), assumed: make(map[[2]types.Type]bool),
	}
	for _, name := range surfacePackages {
		pkg := theirs.packages[temporalSDK+"/"+name]
		if pkg == nil {
			continue
		}
		for _, id := range pkg.Scope().Names() {
			obj, ok := pkg.Scope().Lookup(id).(*types.TypeName)
			if !ok || !obj.Exported() {
				continue
			}
			if named, ok := types.Unalias(obj.Type()).(*types.Named); ok {
				origin := named.Origin().Obj()
				if types.IsInterface(named) && len(c.names[origin]) == 0 {
					c.interfaces = append(c.interfaces, origin)
				}
				c.names[origin] = append(c.names[origin], publicName{rewrite(pkg.Path()), id})
			}
		}
	}
	return c
}

// same reports whether ours can stand where theirs stands.
func (c *comparer) same(theirs, ours types.Type) bool {
	theirs, ours = types.Unalias(theirs), types.Unalias(ours)
	switch a := theirs.(type) {
	case *types.Named:
		return c.sameNamed(a, ours)
	case *types.Basic:
		b, ok := ours.(*types.Basic)
		return ok && a.Kind() == b.Kind()
	case *types.Pointer:
		b, ok := ours.(*types.Pointer)
		return ok && c.same(a.Elem(), b.Elem())
	case *types.Slice:
		b, ok := ours.(*types.Slice)
		return ok && c.same(a.Elem(), b.Elem())
	case *types.Array:
		b, ok := ours.(*types.Array)
		return ok && a.Len() == b.Len() && c.same(a.Elem(), b.Elem())
	case *types.Map:
		b, ok := ours.(*types.Map)
		return ok && c.same(a.Key(), b.Key()) && c.same(a.Elem(), b.Elem())
	case *types.Chan:
		b, ok := ours.(*types.Chan)
		return ok && a.Dir() == b.Dir() && c.same(a.Elem(), b.Elem())
	case *types.Signature:
		b, ok := ours.(*types.Signature)
		return ok && c.sameSignature(a, b)
	case *types.TypeParam:
		b, ok := ours.(*types.TypeParam)
		return ok && a.Index() == b.Index()
	case *types.Interface:
		b, ok := ours.(*types.Interface)
		return ok && c.sameInterface(a, b)
	case *types.Struct:
		b, ok := ours.(*types.Struct)
		return ok && c.sameStruct(a, b)
	case *types.Union:
		b, ok := ours.(*types.Union)
		return ok && c.sameUnion(a, b)
	}
	return false
}

func (c *comparer) sameNamed(theirs *types.Named, ours types.Type) bool {
	obj := theirs.Origin().Obj()
	denoted := func(n publicName) bool { return c.denotes(n, theirs, ours) }
	switch {
	case obj.Pkg() != nil && within(obj.Pkg().Path(), temporalAPI):
		return denoted(publicName{rewrite(obj.Pkg().Path()), obj.Name()})
	case len(c.names[obj]) > 0:
		return slices.ContainsFunc(c.names[obj], denoted)
	case obj.Pkg() != nil && within(obj.Pkg().Path(), temporalSDK):
		return slices.ContainsFunc(c.twins(theirs), denoted) || c.sameMembers(theirs, ours)
	}
	b, ok := ours.(*types.Named)
	return ok && qualified(obj) == qualified(b.Origin().Obj()) && c.sameArguments(theirs, b)
}

// twins returns the public names of the interfaces that have just the methods of theirs, which has no such name: values
// go from one to the other, and their gaps are counted under these names.
func (c *comparer) twins(theirs *types.Named) []publicName {
	var names []publicName
	for _, public := range c.interfaces {
		if types.Identical(public.Type().Underlying(), theirs.Underlying()) {
			names = append(names, c.names[public]...)
		}
	}
	return names
}

// sameMembers compares a type that nobody can name by what can be done with it.
func (c *comparer) sameMembers(theirs *types.Named, ours types.Type) bool {
	pair := [2]types.Type{theirs, ours}
	if c.assumed[pair] {
		return true
	}
	c.assumed[pair] = true
	defer delete(c.assumed, pair)
	return len(c.compareMembers(theirs, ours)) == 0
}

// denotes reports whether the name in our packages means the type ours.
func (c *comparer) denotes(n publicName, theirs *types.Named, ours types.Type) bool {
	obj, ok := c.ours.lookup(n.path, n.name).(*types.TypeName)
	if !ok {
		return false
	}
	b, ok := ours.(*types.Named)
	if !ok {
		return theirs.TypeArgs().Len() == 0 && types.Identical(types.Unalias(obj.Type()), ours)
	}
	meant, ok := types.Unalias(obj.Type()).(*types.Named)
	return ok && meant.Origin().Obj() == b.Origin().Obj() && c.sameArguments(theirs, b)
}

func (c *comparer) sameArguments(theirs, ours *types.Named) bool {
	a, b := theirs.TypeArgs(), ours.TypeArgs()
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !c.same(a.At(i), b.At(i)) {
			return false
		}
	}
	return true
}

func (c *comparer) sameSignature(theirs, ours *types.Signature) bool {
	return theirs.Variadic() == ours.Variadic() &&
		c.sameParameters(theirs.TypeParams(), ours.TypeParams()) &&
		c.sameTuple(theirs.Params(), ours.Params()) && c.sameTuple(theirs.Results(), ours.Results())
}

func (c *comparer) sameParameters(theirs, ours *types.TypeParamList) bool {
	if theirs.Len() != ours.Len() {
		return false
	}
	for i := range theirs.Len() {
		if !c.same(theirs.At(i).Constraint(), ours.At(i).Constraint()) {
			return false
		}
	}
	return true
}

func (c *comparer) sameTuple(theirs, ours *types.Tuple) bool {
	if theirs.Len() != ours.Len() {
		return false
	}
	for i := range theirs.Len() {
		if !c.same(theirs.At(i).Type(), ours.At(i).Type()) {
			return false
		}
	}
	return true
}

// sameInterface compares interfaces without a name of their own, constraints among them.
func (c *comparer) sameInterface(theirs, ours *types.Interface) bool {
	if theirs.IsMethodSet() != ours.IsMethodSet() || !c.sameMethods(theirs, ours) {
		return false
	}
	if theirs.IsMethodSet() {
		return true
	}
	if theirs.NumEmbeddeds() != ours.NumEmbeddeds() || theirs.IsComparable() != ours.IsComparable() {
		return false
	}
	for i := range theirs.NumEmbeddeds() {
		if !c.same(theirs.EmbeddedType(i), ours.EmbeddedType(i)) {
			return false
		}
	}
	return true
}

// sameMethods reports whether ours has the methods of theirs that count, and no others than theirs has.
func (c *comparer) sameMethods(theirs, ours *types.Interface) bool {
	own := make(map[string]*types.Func)
	for m := range ours.Methods() {
		own[m.Name()] = m
	}
	for m := range theirs.Methods() {
		counterpart := own[m.Name()]
		if c.counted(m) && (counterpart == nil || !c.same(m.Type(), counterpart.Type())) {
			return false
		}
		delete(own, m.Name())
	}
	return len(own) == 0
}

// sameStruct compares structs without a name of their own.
func (c *comparer) sameStruct(theirs, ours *types.Struct) bool {
	if theirs.NumFields() != ours.NumFields() {
		return false
	}
	for i := range theirs.NumFields() {
		a, b := theirs.Field(i), ours.Field(i)
		if a.Name() != b.Name() || a.Embedded() != b.Embedded() || !c.same(a.Type(), b.Type()) {
			return false
		}
	}
	return true
}

func (c *comparer) sameUnion(theirs, ours *types.Union) bool {
	if theirs.Len() != ours.Len() {
		return false
	}
	for i := range theirs.Len() {
		a, b := theirs.Term(i), ours.Term(i)
		if a.Tilde() != b.Tilde() || !c.same(a.Type(), b.Type()) {
			return false
		}
	}
	return true
}

func qualified(obj *types.TypeName) string {
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

// isNexus reports whether a name or path is about Nexus.
func isNexus(name string) bool { return strings.Contains(strings.ToLower(name), "nexus") }
