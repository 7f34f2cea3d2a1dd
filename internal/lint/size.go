package lint

import "go/ast"

// The sizes above which a file or a function is to be split by concept. Tests may hold longer tables.
const (
	maxFileLines         = 600
	maxFunctionLines     = 70
	maxTestFunctionLines = 120
)

// longFunctions are the functions that would be worse for being split, as dir.Type.name, with the reason.
func longFunctions() map[string]string {
	return map[string]string{
		"api/enums.EventType.String": "a table: one case for each type of event",
	}
}

// checkSizes counts lines, also those of comments. Generated files are left out.
func checkSizes(t *Tree) []Violation {
	var out []Violation
	long := longFunctions()
	for _, f := range t.Files {
		if ast.IsGenerated(f.File) {
			continue
		}
		if f.lines > maxFileLines {
			out = append(out, t.violation(f.File.Name, "file has %d lines, the limit is %d", f.lines, maxFileLines))
		}
		limit := maxFunctionLines
		if f.Test || isTestHelper(f.Dir) {
			limit = maxTestFunctionLines
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1; n > limit && long[f.functionName(fn)] == "" {
				out = append(out, t.violation(fn, "function %s has %d lines, the limit is %d", fn.Name.Name, n, limit))
			}
		}
	}
	return out
}

// functionName returns dir.name, or dir.Type.name for a method.
func (f *File) functionName(fn *ast.FuncDecl) string {
	name := fn.Name.Name
	if fn.Recv != nil {
		receiver := fn.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if id, ok := receiver.(*ast.Ident); ok {
			name = id.Name + "." + name
		}
	}
	return f.Dir + "." + name
}
