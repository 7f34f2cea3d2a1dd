package lint

import (
	"go/ast"
	"slices"
)

// replayDir is the deterministic core: the same history must give the same decisions in every process, at any time.
const replayDir = "internal/replay"

// impureImports are packages by which the world, or chance, or another goroutine gets in. sync/atomic is not among
// them: a watchdog may look at the core from outside without taking part.
var impureImports = [...]string{
	"context", "sync", "os", "net", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand",
	Module + "/log", "github.com/rs/zerolog",
}

// clockFunctions are what package time has besides arithmetic.
var clockFunctions = [...]string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// checkPurity keeps clock, context, locks, goroutines, loggers and chance out of the code of internal/replay. Its
// tests may use them.
func checkPurity(t *Tree) []Violation {
	var out []Violation
	for _, f := range t.Files {
		if !within(f.Dir, replayDir) || f.Test {
			continue
		}
		for _, spec := range f.Imports {
			if pkg := importPath(spec); slices.Contains(impureImports[:], pkg) {
				out = append(out, t.violation(spec, "%s must stay deterministic: it must not import %s", replayDir, pkg))
			}
		}
		clock := f.importedAs("time")
		ast.Inspect(f.File, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				out = append(out, t.violation(n, "%s must stay deterministic: no goroutines", replayDir))
			}
			for _, name := range clockFunctions {
				if isSelector(n, clock, name) {
					out = append(out, t.violation(n, "%s must stay deterministic: no time.%s", replayDir, name))
				}
			}
			return true
		})
	}
	return out
}

// checkSleep refuses time.Sleep in libraries: it cannot be cancelled, and nobody wakes it when there is work. Programs
// and tests may.
func checkSleep(t *Tree) []Violation {
	var out []Violation
	for _, f := range t.Files {
		if f.Test || isTestHelper(f.Dir) || withinAny(f.Dir, tops[:]) {
			continue
		}
		pkg := f.importedAs("time")
		ast.Inspect(f.File, func(n ast.Node) bool {
			if isSelector(n, pkg, "Sleep") {
				out = append(out, t.violation(n, "time.Sleep in a library: wait for a timer and the context"))
			}
			return true
		})
	}
	return out
}

// checkInit refuses init functions: importing a package must do nothing.
func checkInit(t *Tree) []Violation {
	var out []Violation
	for _, f := range t.Files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, t.violation(fn, "init function: let the caller ask for it"))
			}
		}
	}
	return out
}
