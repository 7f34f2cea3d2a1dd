package lint

import (
	"go/ast"
	"regexp"
	"strings"
)

// longComment is the length in lines above which a package comment belongs into doc.go.
const longComment = 20

// checkPackageComments wants exactly one package comment in each directory: outside the tests, unless there is nothing
// but tests. A long one must be in doc.go.
func checkPackageComments(t *Tree) []Violation {
	var out []Violation
	dirs, files := t.byDir()
	for _, dir := range dirs {
		onlyTests := true
		for _, f := range files[dir] {
			onlyTests = onlyTests && f.Test
		}
		count := 0
		for _, f := range files[dir] {
			if f.Doc == nil {
				continue
			}
			if f.Test && !onlyTests {
				out = append(out, t.violation(f.Doc, "package comment in a test file"))
				continue
			}
			if count++; count > 1 {
				out = append(out, t.violation(f.Doc, "second package comment of %s", dir))
			}
			if n := strings.Count(f.Doc.Text(), "\n"); n > longComment && f.Name != "doc.go" {
				out = append(out, t.violation(f.Doc, "package comment of %d lines: above %d it belongs into doc.go", n, longComment))
			}
			if want := "Package " + f.File.Name.Name + " "; f.File.Name.Name != "main" && !f.Test && !strings.HasPrefix(f.Doc.Text(), want) {
				out = append(out, t.violation(f.Doc, "package comment does not begin with %q", want))
			}
		}
		if count == 0 {
			out = append(out, Violation{Where: dir, Text: "package has no package comment"})
		}
	}
	return out
}

// checkPackageNames refuses names that say nothing. api/common mirrors Temporal's package of that name.
func checkPackageNames(t *Tree) []Violation {
	var out []Violation
	for _, f := range t.Files {
		switch name := strings.TrimSuffix(f.File.Name.Name, "_test"); name {
		case "util", "utils", "common", "types", "helper", "helpers", "misc", "shared":
			if f.Dir == "api/common" {
				continue
			}
			out = append(out, t.violation(f.File.Name, "package name %s says nothing", name))
		}
	}
	return out
}

// checkOpenEnds refuses marks of unfinished work: an issue or a decision record is the place for it.
func checkOpenEnds(t *Tree) []Violation {
	marks := regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
	var out []Violation
	for _, f := range t.Files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				if mark := marks.FindString(c.Text); mark != "" {
					out = append(out, t.violation(c, "%s: file an issue instead", mark))
				}
			}
		}
		pkg := f.importedAs("context")
		ast.Inspect(f.File, func(n ast.Node) bool {
			if isSelector(n, pkg, "TODO") {
				out = append(out, t.violation(n, "context.TODO: pass the caller's context"))
			}
			return true
		})
	}
	return out
}
