package vet

import (
	"go/ast"
	"go/token"
	"go/types"
)

// What workflow code is told to do instead.
const (
	insteadGo      = "use workflow.Go"
	insteadSelect  = "use workflow.NewSelector"
	insteadChannel = "use workflow.NewChannel"
	insteadMap     = "range over workflow.DeterministicKeys of the map"
)

// body collects what a function does.
func (c *checker) body(f *function, body *ast.BlockStmt) {
	c.functions = append(c.functions, f)
	w := &walker{checker: c, function: f, body: body}
	w.walk(body)
}

// walker goes through the body of one function.
type walker struct {
	*checker
	function *function
	body     *ast.BlockStmt
}

func (w *walker) walk(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return w.literal(n)
		case *ast.GoStmt:
			w.find(n.Pos(), "starts a goroutine", insteadGo)
		case *ast.SelectStmt:
			w.find(n.Pos(), "has a select statement", insteadSelect)
			for _, clause := range n.Body.List { // the channels of a select are part of it
				for _, s := range clause.(*ast.CommClause).Body {
					w.walk(s)
				}
			}
			return false
		case *ast.SendStmt:
			w.find(n.Pos(), "sends on a channel", insteadChannel)
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				w.find(n.Pos(), "receives from a channel", insteadChannel)
			}
		case *ast.RangeStmt:
			w.rangeOver(n)
		case *ast.CallExpr:
			return w.call(n)
		}
		return true
	})
}

// literal says whether a function literal is part of the function. A workflow in a function that is none is a
// function of its own, and what takes a context.Context is an activity.
func (w *walker) literal(lit *ast.FuncLit) bool {
	sig := w.signature(lit)
	if takesWorkflowContext(sig) && !w.function.workflow {
		w.checker.body(&function{workflow: true}, lit.Body)
		return false
	}
	return sig == nil || sig.Params().Len() == 0 || !isContext(sig.Params().At(0).Type(), "context")
}

func (w *walker) find(pos token.Pos, does, instead string) {
	if !w.isAllowed(pos) {
		w.function.findings = append(w.function.findings, finding{pos: pos, does: does, instead: instead})
	}
}

func (w *walker) rangeOver(n *ast.RangeStmt) {
	t := w.pass.TypesInfo.TypeOf(n.X)
	if t == nil {
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Chan:
		w.find(n.Pos(), "ranges over a channel", insteadChannel)
	case *types.Map:
		if !w.orderDoesNotMatter(n) {
			w.find(n.Pos(), "ranges over a map, whose order differs each time", insteadMap)
		}
	case *types.Signature:
		call, ok := ast.Unparen(n.X).(*ast.CallExpr)
		if !ok || u == nil {
			return
		}
		if fn := w.callee(call); fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && !w.orderDoesNotMatter(n) {
			w.find(n.Pos(), "ranges over a map, whose order differs each time", insteadMap)
		}
	}
}

// call looks at a call; it says whether to look at the arguments as well.
func (w *walker) call(n *ast.CallExpr) bool {
	fn := w.callee(n)
	if fn == nil || fn.Pkg() == nil {
		return true
	}
	path := fn.Pkg().Path()
	if path == ourWorkflow || path == temporalPublic || path == temporalPrivate {
		return w.handsOver(n, fn.Name())
	}
	if rule := w.lookup(fn); rule != nil {
		if !w.isAllowed(n.Pos()) {
			w.function.findings = append(w.function.findings, finding{
				pos: n.Pos(), does: "calls " + displayName(fn), instead: rule.instead, local: rule.local,
			})
		}
		return true
	}
	if !w.isAllowed(n.Pos()) {
		w.function.calls = append(w.function.calls, call{n.Pos(), fn})
	}
	return true
}

// handsOver looks at a call of package workflow. What such a call has others run may do anything; it says whether all
// of the arguments are to be looked at.
func (w *walker) handsOver(n *ast.CallExpr, name string) bool {
	switch name {
	case "SideEffect", "MutableSideEffect", "ExecuteActivity", "ExecuteLocalActivity":
	default:
		return true
	}
	for _, arg := range n.Args {
		if _, ok := ast.Unparen(arg).(*ast.FuncLit); !ok {
			w.walk(arg)
		}
	}
	return false
}

// displayName is how a reader knows the function: pkg.Name or pkg.Type.Name.
func displayName(fn *types.Func) string {
	name := fn.Name()
	if typ := receiver(fn); typ != "" {
		name = typ + "." + name
	}
	return fn.Pkg().Name() + "." + name
}

// receiver is the name of the type that a method belongs to, or empty.
func receiver(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return ""
	}
	t := types.Unalias(recv.Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}
