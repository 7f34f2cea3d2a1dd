package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// wireDirs may know subjects, headers and error codes of the broker. Integration tests look at the broker from the
// outside, examples show what other languages send, permissions are lists of subjects.
var wireDirs = [...]string{"streams", "integration", "examples", "internal/security"}

// natsCodes are JetStream's error codes that a careless caller compares with: both refusals of an expected sequence,
// the duplicate subject, and what is not found, offline or unavailable.
var natsCodes = [...]string{"10003", "10008", "10014", "10037", "10039", "10058", "10059", "10060", "10071", "10077", "10164"}

// checkWire keeps NATS error codes, subjects and header names in package streams, where typed functions build and
// parse them. Tests may spell them out: that is how they check streams.
func checkWire(t *Tree) []Violation {
	var out []Violation
	for _, f := range t.Files {
		if f.Test || isTestHelper(f.Dir) || withinAny(f.Dir, wireDirs[:]) || within(f.Dir, "internal/lint") {
			continue
		}
		fmtName := f.importedAs("fmt")
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.SelectorExpr:
				if strings.HasPrefix(n.Sel.Name, "JSErrCode") {
					out = append(out, t.violation(n, "NATS error code %s outside streams", n.Sel.Name))
				}
			case *ast.BasicLit:
				out = append(out, t.wireLiteral(n)...)
			case *ast.CallExpr:
				if isSelector(n.Fun, fmtName, "Sprintf") && len(n.Args) > 0 && isSubject(n.Args[0]) {
					out = append(out, t.violation(n, "subject built with fmt.Sprintf outside streams"))
				}
			case *ast.BinaryExpr:
				if n.Op == token.ADD && isSubject(leftmost(n)) {
					out = append(out, t.violation(n, "subject built by concatenation outside streams"))
					return false
				}
			}
			return true
		})
	}
	return out
}

// wireLiteral looks at a literal for itself: an error code, a header's name, a subject of JetStream's API.
func (t *Tree) wireLiteral(lit *ast.BasicLit) []Violation {
	if lit.Kind == token.INT && slices.Contains(natsCodes[:], strings.ReplaceAll(lit.Value, "_", "")) {
		return []Violation{t.violation(lit, "NATS error code %s outside streams", lit.Value)}
	}
	text := literal(lit)
	switch {
	case strings.HasPrefix(text, "Nats-"), strings.HasPrefix(text, "Millrace-"):
		return []Violation{t.violation(lit, "header name %q outside streams", text)}
	case strings.HasPrefix(text, "$JS."), strings.HasPrefix(text, "$KV."):
		return []Violation{t.violation(lit, "subject %q of JetStream outside streams", text)}
	}
	return nil
}

// isSubject reports whether e is a string that begins like a subject of ours.
func isSubject(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && strings.HasPrefix(literal(lit), "millrace.")
}

// leftmost returns the first operand of a chain of additions.
func leftmost(b *ast.BinaryExpr) ast.Expr {
	for {
		left, ok := b.X.(*ast.BinaryExpr)
		if !ok {
			return b.X
		}
		b = left
	}
}

// literal returns the value of a string literal, or "".
func literal(lit *ast.BasicLit) string {
	if lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return "" // the parser accepts only valid literals
	}
	return s
}
