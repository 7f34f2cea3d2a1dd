package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// orderDoesNotMatter reports whether a loop over a map has the same effect in any order, as far as that is easy to
// see: it looks at no element; or it does nothing but count, sum whole numbers, fill or empty maps, keep an extreme, or
// look for some element; or it collects into slices that are sorted afterwards.
func (w *walker) orderDoesNotMatter(n *ast.RangeStmt) bool {
	if isBlank(n.Key) && isBlank(n.Value) {
		return true
	}
	o := &order{walker: w, loop: n}
	return o.statements(n.Body.List, nil) && o.exits <= 1
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// order looks at the body of one loop.
type order struct {
	*walker
	loop  *ast.RangeStmt
	exits int // ways to leave it early: with one, all elements that leave are alike
}

// statements reports whether all of them may run in any order; compared are the variables that a condition around them
// compares.
func (o *order) statements(list []ast.Stmt, compared []types.Object) bool {
	return !slices.ContainsFunc(list, func(s ast.Stmt) bool { return !o.statement(s, compared) })
}

func (o *order) statement(s ast.Stmt, compared []types.Object) bool {
	switch s := s.(type) {
	case *ast.IncDecStmt:
		return o.pure(s.X)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && o.builtin(call) == "delete" && o.allPure(call.Args)
	case *ast.AssignStmt:
		return o.assignment(s, compared)
	case *ast.DeclStmt:
		return true
	case *ast.BlockStmt:
		return o.statements(s.List, compared)
	case *ast.IfStmt:
		if s.Init != nil && !o.statement(s.Init, compared) || !o.pure(s.Cond) {
			return false
		}
		inner := append(slices.Clone(compared), o.comparedIn(s.Cond)...)
		return o.statements(s.Body.List, inner) && (s.Else == nil || o.statement(s.Else, inner))
	case *ast.BranchStmt:
		if s.Tok == token.BREAK {
			o.exits++
		}
		return s.Tok == token.CONTINUE || s.Tok == token.BREAK
	case *ast.ReturnStmt:
		o.exits++
		return !slices.ContainsFunc(s.Results, func(e ast.Expr) bool { return !o.constant(e) })
	}
	return false
}

// assignment reports whether an assignment has the same effect in any order.
func (o *order) assignment(s *ast.AssignStmt, compared []types.Object) bool {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 {
		if call, ok := s.Rhs[0].(*ast.CallExpr); ok && o.builtin(call) == "append" {
			return o.allPure(call.Args) && o.sortedAfterwards(s.Lhs[0])
		}
	}
	if !o.allPure(s.Rhs) {
		return false
	}
	for i, lhs := range s.Lhs {
		switch {
		case s.Tok == token.DEFINE || isBlank(lhs) || o.inside(lhs):
		case s.Tok != token.ASSIGN: // +=, |= and the like
			if !o.commutes(s.Tok, lhs) {
				return false
			}
		case o.isMapElement(lhs):
		case slices.Contains(compared, o.object(lhs)) && o.object(lhs) != nil: // an extreme
		case i < len(s.Rhs) && o.constant(s.Rhs[i]):
		default:
			return false
		}
	}
	return true
}

// commutes reports whether x op= y may be done in any order: not with strings and not with fractions.
func (o *order) commutes(op token.Token, x ast.Expr) bool {
	basic, ok := o.pass.TypesInfo.TypeOf(x).Underlying().(*types.Basic)
	if !ok || basic.Info()&(types.IsInteger|types.IsBoolean) == 0 {
		return false
	}
	switch op {
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.MUL_ASSIGN, token.AND_ASSIGN, token.OR_ASSIGN, token.XOR_ASSIGN:
		return true
	}
	return false
}

// isMapElement reports whether e is m[k], where each element of the loop writes a key of its own.
func (o *order) isMapElement(e ast.Expr) bool {
	index, ok := e.(*ast.IndexExpr)
	if !ok || !o.pure(index.Index) {
		return false
	}
	_, isMap := o.pass.TypesInfo.TypeOf(index.X).Underlying().(*types.Map)
	return isMap && o.object(index.Index) == o.object(o.loop.Key)
}

// inside reports whether e is a variable that the loop itself declares.
func (o *order) inside(e ast.Expr) bool {
	obj := o.object(e)
	return obj != nil && o.loop.Pos() <= obj.Pos() && obj.Pos() < o.loop.End()
}

func (o *order) object(e ast.Expr) types.Object {
	id, ok := e.(*ast.Ident)
	if !ok {
		return nil
	}
	return o.pass.TypesInfo.ObjectOf(id)
}

// comparedIn returns the variables that < or > compares in a condition.
func (o *order) comparedIn(cond ast.Expr) []types.Object {
	var out []types.Object
	ast.Inspect(cond, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && slices.Contains([]token.Token{token.LSS, token.GTR, token.LEQ, token.GEQ}, b.Op) {
			for _, e := range []ast.Expr{b.X, b.Y} {
				if obj := o.object(e); obj != nil {
					out = append(out, obj)
				}
			}
		}
		return true
	})
	return out
}

func (o *order) constant(e ast.Expr) bool {
	tv := o.pass.TypesInfo.Types[e]
	return tv.Value != nil || tv.IsNil()
}

func (o *order) allPure(list []ast.Expr) bool {
	return !slices.ContainsFunc(list, func(e ast.Expr) bool { return !o.pure(e) })
}

// pure reports whether an expression computes only: no calls but conversions, harmless builtins and functions of
// packages without effects.
func (o *order) pure(e ast.Expr) bool {
	pure := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			pure = false
		case *ast.UnaryExpr:
			pure = pure && n.Op != token.ARROW
		case *ast.CallExpr:
			pure = pure && o.pureCall(n)
		}
		return pure
	})
	return pure
}

func (o *order) pureCall(call *ast.CallExpr) bool {
	if o.pass.TypesInfo.Types[call.Fun].IsType() {
		return true
	}
	if name := o.builtin(call); name != "" {
		return slices.Contains([]string{"len", "cap", "min", "max"}, name)
	}
	fn := o.callee(call)
	return fn != nil && fn.Pkg() != nil && slices.Contains([]string{"strings", "strconv", "math", "unicode", "cmp"}, fn.Pkg().Path())
}

func (o *order) builtin(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := o.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// sortedAfterwards reports whether the function sorts a variable after the loop.
func (o *order) sortedAfterwards(e ast.Expr) bool {
	obj := o.object(e)
	if obj == nil {
		return false
	}
	found := false
	ast.Inspect(o.body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || call.Pos() < o.loop.End() || len(call.Args) == 0 {
			return true
		}
		fn := o.callee(call)
		if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "sort" && fn.Pkg().Path() != "slices" {
			return true
		}
		arg := ast.Unparen(call.Args[0])
		if conv, ok := arg.(*ast.CallExpr); ok && len(conv.Args) == 1 { // sort.Sort(byName(x))
			arg = ast.Unparen(conv.Args[0])
		}
		found = found || o.object(arg) == obj && matches([]string{"Sort*", "Strings", "Ints", "Float64s", "Slice", "SliceStable", "Stable"}, fn.Name())
		return true
	})
	return found
}
