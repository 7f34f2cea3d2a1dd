package lint

import (
	"regexp"
	"strings"
)

// undocumented reports the imports of other modules that have no line in doc, which is docs/dependencies.md: a table
// whose rows begin with the module's path in backquotes.
func undocumented(t *Tree, doc string) []Violation {
	var modules []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(doc, -1) {
		modules = append(modules, m[1])
	}
	var out []Violation
	for _, f := range t.Files {
		for _, spec := range f.Imports {
			pkg := importPath(spec)
			host, _, _ := strings.Cut(pkg, "/")
			standard := !strings.Contains(host, ".")
			if _, own := relative(pkg); own || standard || withinAny(pkg, modules) {
				continue
			}
			out = append(out, t.violation(spec, "%s has no line in docs/dependencies.md", pkg))
		}
	}
	return out
}
