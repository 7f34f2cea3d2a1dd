package main

import "go/types"

// counted reports whether Millrace is expected to have obj, an identifier or a member of theirs: one that is neither
// deprecated nor about Nexus, and that does not speak of a type that is. Of a type only its name and comment count,
// since its members are counted by themselves.
func (c *comparer) counted(obj types.Object) bool {
	if isNexus(obj.Name()) || c.theirs.notes[obj].deprecated {
		return false
	}
	if _, ok := obj.(*types.TypeName); ok {
		named, ok := types.Unalias(obj.Type()).(*types.Named)
		return !ok || !c.theirs.notes[named.Origin().Obj()].deprecated
	}
	return !mentions(obj.Type(), c.leftOut)
}

// leftOut reports whether a type is about Nexus or known by deprecated names only.
func (c *comparer) leftOut(obj *types.TypeName) bool {
	if isNexus(qualified(obj)) || c.theirs.notes[obj].deprecated {
		return true
	}
	names := c.names[obj]
	for _, n := range names {
		if !c.theirs.notes[c.theirs.lookup(c.temporalPath(n), n.name)].deprecated {
			return false
		}
	}
	return len(names) > 0
}

// temporalPath undoes rewrite for a package of the surface.
func (c *comparer) temporalPath(n publicName) string { return temporalSDK + "/" + shortName(n.path) }

// experimental reports whether Temporal says so of obj, under this name or that of the type behind it.
func (c *comparer) experimental(obj types.Object) bool {
	if c.theirs.notes[obj].experimental {
		return true
	}
	if _, ok := obj.(*types.TypeName); !ok {
		return false
	}
	named, ok := types.Unalias(obj.Type()).(*types.Named)
	return ok && c.theirs.notes[named.Origin().Obj()].experimental
}

// mentions reports whether the type spells out a named type that is wanted. It does not look into named types.
func mentions(t types.Type, wanted func(*types.TypeName) bool) bool {
	visit := func(t types.Type) bool { return mentions(t, wanted) }
	tuple := func(t *types.Tuple) bool {
		for v := range t.Variables() {
			if visit(v.Type()) {
				return true
			}
		}
		return false
	}
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if visit(arg) {
				return true
			}
		}
		return wanted(t.Origin().Obj())
	case *types.Pointer:
		return visit(t.Elem())
	case *types.Slice:
		return visit(t.Elem())
	case *types.Array:
		return visit(t.Elem())
	case *types.Chan:
		return visit(t.Elem())
	case *types.Map:
		return visit(t.Key()) || visit(t.Elem())
	case *types.Signature:
		return tuple(t.Params()) || tuple(t.Results())
	}
	return false
}
