package vet

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// The packages that declare the type by which workflow code is recognized. Temporal's is an alias into the second.
const (
	ourModule       = "github.com/millrace-dev/millrace"
	ourWorkflow     = ourModule + "/workflow"
	temporalPublic  = "go.temporal.io/sdk/workflow"
	temporalPrivate = "go.temporal.io/sdk/internal"
)

// Analyzer returns the check.
func Analyzer() *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:      "determinism",
		Doc:       "find workflow code that may do something else when it is replayed",
		URL:       "https://pkg.go.dev/" + ourModule + "/internal/vet",
		Run:       run,
		FactTypes: []analysis.Fact{new(tainted)},
	}
}

// tainted is known of a function that workflow code must not call.
type tainted struct {
	Does    string // what is wrong, with the functions on the way to it
	Instead string
}

func (*tainted) AFact() {}

func (t *tainted) String() string { return t.Does }

// finding is a place in a function that is not deterministic.
type finding struct {
	pos     token.Pos
	does    string
	instead string
	// local findings do not taint who calls the function: a lock in a cache is no decision of the workflow.
	local bool
}

// function is a function of the package, with all that is written inside of it.
type function struct {
	obj      *types.Func // nil for a literal
	workflow bool        // it has a parameter of type workflow.Context
	findings []finding
	calls    []call
}

// call is one of a function that is known.
type call struct {
	pos    token.Pos
	callee *types.Func
}

type checker struct {
	pass      *analysis.Pass
	rules     []rule
	allowed   map[string]map[int]bool // lines by file
	functions []*function
	taints    map[*types.Func]*tainted
}

func run(pass *analysis.Pass) (any, error) {
	if !followed(pass) {
		return nil, nil
	}
	c := &checker{pass: pass, rules: rules(), allowed: make(map[string]map[int]bool), taints: make(map[*types.Func]*tainted)}
	for _, file := range pass.Files {
		if strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go") {
			continue
		}
		c.readAllowed(file)
		for _, decl := range file.Decls {
			c.declaration(decl)
		}
	}
	c.spread()
	for obj, t := range c.taints {
		pass.ExportObjectFact(obj, t)
	}
	for _, f := range c.functions {
		if f.workflow {
			c.report(f)
		}
	}
	return nil, nil
}

// followed says whether a package belongs to the module that is checked. The engine itself makes workflow code
// deterministic by means that such code must not use.
func followed(pass *analysis.Pass) bool {
	path := pass.Pkg.Path()
	if rest, ok := strings.CutPrefix(path, ourModule); ok {
		return strings.HasPrefix(rest, "/examples/") || strings.HasPrefix(rest, "/internal/compat/samples/")
	}
	if within(path, "go.temporal.io/sdk") {
		return false
	}
	if strings.HasSuffix(path, ".test") { // the program that runs tests
		return false
	}
	if m := pass.Module; m != nil && m.Path != "" {
		return m.Version == ""
	}
	host, _, _ := strings.Cut(path, "/")
	return strings.Contains(host, ".") // the standard library has no such names
}

func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func (c *checker) declaration(decl ast.Decl) {
	fn, ok := decl.(*ast.FuncDecl)
	if !ok { // a literal in a variable may be a workflow
		c.literals(decl)
		return
	}
	if fn.Body == nil || allows(fn.Doc) {
		return
	}
	obj, ok := c.pass.TypesInfo.Defs[fn.Name].(*types.Func)
	if !ok {
		return
	}
	c.body(&function{obj: obj, workflow: takesWorkflowContext(obj.Signature())}, fn.Body)
}

// literals looks for workflows among the function literals below n.
func (c *checker) literals(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		lit, ok := n.(*ast.FuncLit)
		if ok && takesWorkflowContext(c.signature(lit)) {
			c.body(&function{workflow: true}, lit.Body)
			return false
		}
		return true
	})
}

func (c *checker) signature(lit *ast.FuncLit) *types.Signature {
	sig, _ := c.pass.TypesInfo.TypeOf(lit).(*types.Signature)
	return sig
}

func takesWorkflowContext(sig *types.Signature) bool {
	if sig == nil {
		return false
	}
	for p := range sig.Params().Variables() {
		if isContext(p.Type(), ourWorkflow) || isContext(p.Type(), temporalPublic) || isContext(p.Type(), temporalPrivate) {
			return true
		}
	}
	return false
}

func isContext(t types.Type, path string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == "Context" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == path
}

// spread finds the functions that are tainted by what they call, until there are no more. Workflow functions taint
// nobody: they are reported themselves.
func (c *checker) spread() {
	for _, f := range c.functions {
		if f.obj == nil || f.workflow {
			continue
		}
		if i := slices.IndexFunc(f.findings, func(f finding) bool { return !f.local }); i >= 0 {
			c.taints[f.obj] = &tainted{Does: f.findings[i].does + c.at(f.findings[i].pos), Instead: f.findings[i].instead}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, f := range c.functions {
			if f.obj == nil || f.workflow || c.taints[f.obj] != nil {
				continue
			}
			for _, call := range f.calls {
				if t := c.taint(call.callee); t != nil {
					c.taints[f.obj] = &tainted{Does: "calls " + call.callee.Name() + ", which " + t.Does, Instead: t.Instead}
					changed = true
					break
				}
			}
		}
	}
}

// at names a place within the module.
func (c *checker) at(pos token.Pos) string {
	p := c.pass.Fset.Position(pos)
	return fmt.Sprintf(" (%s:%d)", filepath.Base(p.Filename), p.Line)
}

func (c *checker) taint(callee *types.Func) *tainted {
	if callee.Pkg() == c.pass.Pkg {
		return c.taints[callee]
	}
	var t tainted
	if c.pass.ImportObjectFact(callee, &t) {
		return &t
	}
	return nil
}

func (c *checker) report(f *function) {
	findings := slices.Clone(f.findings)
	for _, call := range f.calls {
		if t := c.taint(call.callee); t != nil {
			findings = append(findings, finding{pos: call.pos, does: "calls " + call.callee.Name() + ", which " + t.Does, instead: t.Instead})
		}
	}
	slices.SortStableFunc(findings, func(a, b finding) int { return cmp.Compare(a.pos, b.pos) })
	for _, found := range findings {
		c.pass.Reportf(found.pos, "workflow code %s: %s", found.does, found.instead)
	}
}

// callee returns the function that a call names, or nil.
func (c *checker) callee(n *ast.CallExpr) *types.Func {
	if fn := typeutil.StaticCallee(c.pass.TypesInfo, n); fn != nil {
		return fn.Origin()
	}
	return nil
}

const allowComment = "//millrace:allow"

func allows(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, isAllow)
}

func isAllow(comment *ast.Comment) bool {
	rest, ok := strings.CutPrefix(comment.Text, allowComment)
	return ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// readAllowed notes the lines that comments silence: their own and the next.
func (c *checker) readAllowed(file *ast.File) {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if !isAllow(comment) {
				continue
			}
			p := c.pass.Fset.Position(comment.Pos())
			if c.allowed[p.Filename] == nil {
				c.allowed[p.Filename] = make(map[int]bool)
			}
			c.allowed[p.Filename][p.Line] = true
			c.allowed[p.Filename][p.Line+1] = true
		}
	}
}

func (c *checker) isAllowed(pos token.Pos) bool {
	p := c.pass.Fset.Position(pos)
	return c.allowed[p.Filename][p.Line]
}
