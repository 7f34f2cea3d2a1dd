package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	// invariantsPage says which tests hold which rule, one rule a row, tests in the last column.
	invariantsPage = "docs/invariants.md"
	// notHeld heads the part of that page whose rules have no test.
	notHeld = "## Not held by a test yet"
)

// invariants are the tree and the text of the page.
func invariants(t *testing.T) (tree *Tree, page string) {
	t.Helper()
	fsys := os.DirFS(moduleRoot(t))
	tree, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.ReadFile(fsys, invariantsPage)
	if err != nil {
		t.Fatal(err)
	}
	return tree, string(data)
}

// TestInvariantsNameExistingTests keeps the page from promising a test that was renamed or removed.
func TestInvariantsNameExistingTests(t *testing.T) {
	tree, page := invariants(t)
	rules, violations := unheld(tree, page)
	for _, v := range violations {
		t.Error(v)
	}
	if rules < 20 {
		t.Errorf("%s has %d rules: the table was not understood", invariantsPage, rules)
	}
}

// TestFuzzersAreListed keeps the page complete: a decoder that has a fuzzer is promised to do no harm.
func TestFuzzersAreListed(t *testing.T) {
	tree, page := invariants(t)
	for name := range testNames(tree) {
		if strings.Contains(name, ".Fuzz") && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s does not name %s: a fuzzer holds a promise", invariantsPage, name)
		}
	}
}

// unheld counts the rules of the page and reports those whose tests do not exist. A test is written
// `directory.TestName`, a check of the conformance suite `conformance: group/name`.
func unheld(t *Tree, page string) (rules int, out []Violation) {
	known := testNames(t)
	held, _, _ := strings.Cut(page, notHeld)
	name := regexp.MustCompile("`([^`]*)`")
	for i, line := range strings.Split(held, "\n") {
		where := fmt.Sprintf("%s:%d", invariantsPage, i+1)
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "rule" {
			continue
		}
		rules++
		found := false
		for _, m := range name.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			found = true
			if !known[m[1]] {
				out = append(out, Violation{where, "there is no test " + m[1]})
			}
		}
		if !found {
			out = append(out, Violation{where, "rule without a test: give it one or list it under " + strconv.Quote(notHeld)})
		}
	}
	return rules, out
}

// testNames are the tests of the tree and the checks of the conformance suite, as the page writes them.
func testNames(t *Tree) map[string]bool {
	names := map[string]bool{}
	for _, f := range t.Files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			switch {
			case !ok || fn.Recv != nil:
			case f.Test && regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)`).MatchString(fn.Name.Name):
				names[f.Dir+"."+fn.Name.Name] = true
			case f.Dir == "streams/streamstest" && strings.HasSuffix(fn.Name.Name, "Checks"):
				for _, check := range firstStrings(fn) {
					names["conformance: "+check] = true
				}
			}
		}
	}
	return names
}

// firstStrings are the strings that begin the composite literals of fn.
func firstStrings(fn *ast.FuncDecl) (all []string) {
	ast.Inspect(fn, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 {
			return true
		}
		if first, ok := lit.Elts[0].(*ast.BasicLit); ok && first.Kind == token.STRING {
			if s, err := strconv.Unquote(first.Value); err == nil {
				all = append(all, s)
			}
		}
		return true
	})
	return all
}

func TestPromiseWithoutTestIsCaught(t *testing.T) {
	tree := source{
		"p/p_test.go":                 "package p\nfunc TestThere() {}\n",
		"p/p.go":                      "package p\nfunc TestElsewhere() {}\n",
		"streams/streamstest/live.go": "package streamstest\nfunc liveChecks() []check { return []check{{\"append/chain\", f}} }\n",
	}.load(t)
	const good = "| rule | held by |\n|---|---|\n| a `x.y` | `p.TestThere`, `conformance: append/chain` |\n"
	for page, want := range map[string]string{
		good:                                 "",
		good + "| b | `p.TestGone` |\n":      "there is no test p.TestGone",
		good + "| b | `p.TestElsewhere` |\n": "there is no test p.TestElsewhere",
		good + "| b | `conformance: append/gone` |\n":        "there is no test conformance: append/gone",
		good + "| b | nobody |\n":                            "rule without a test",
		good + notHeld + "\n\n| rule |\n|---|\n| nobody |\n": "",
	} {
		_, got := unheld(tree, page)
		if (want == "") != (len(got) == 0) || len(got) > 0 && !strings.Contains(got[0].String(), want) {
			t.Errorf("violations %v, want %q, of\n%s", got, want, page)
		}
	}
}

// TestDocumentationLinks follows every relative link of every page, and looks up every make target that a page names.
func TestDocumentationLinks(t *testing.T) {
	fsys := os.DirFS(moduleRoot(t))
	pages, err := markdown(fsys)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 5 {
		t.Fatalf("only %d pages found: %v", len(pages), pages)
	}
	for _, page := range pages {
		for _, v := range brokenLinks(t, fsys, page) {
			t.Error(v)
		}
	}
}

// TestDecisionsAreListed: an ADR that the index does not name is not found by anyone.
func TestDecisionsAreListed(t *testing.T) {
	fsys := os.DirFS(moduleRoot(t))
	index := read(t, fsys, "docs/adr/README.md")
	records, err := fs.Glob(fsys, "docs/adr/0*.md")
	if err != nil || len(records) == 0 {
		t.Fatalf("decisions %v, %v", records, err)
	}
	for _, r := range records {
		if !strings.Contains(index, "("+path.Base(r)+")") {
			t.Errorf("docs/adr/README.md does not link to %s", path.Base(r))
		}
		if !strings.Contains(read(t, fsys, r), "\nStatus: ") {
			t.Errorf("%s has no line with its status", r)
		}
	}
}

func TestBrokenLinksAreCaught(t *testing.T) {
	fsys := fstest.MapFS{
		"Makefile":  {Data: []byte("demo: ## run\n\tgo run\n")},
		"README.md": {Data: []byte("# Top\n[a](docs/a.md) [b](docs/a.md#two-words) [c](#top) [d](https://example.org) `make demo`\n")},
		"docs/a.md": {Data: []byte("## Two `words`\n[a](gone.md) [b](../README.md#gone) [c](a.md#two-words)\n```\nmake demon\n```\n")},
	}
	if got := brokenLinks(t, fsys, "README.md"); len(got) > 0 {
		t.Errorf("violations in a page without faults: %v", got)
	}
	got := fmt.Sprint(brokenLinks(t, fsys, "docs/a.md"))
	for _, want := range []string{"gone.md does not exist", "README.md has no heading #gone", "no target demon"} {
		if !strings.Contains(got, want) {
			t.Errorf("violations %s miss %q", got, want)
		}
	}
}

// markdown lists the pages of the module.
func markdown(fsys fs.FS) (pages []string, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".md"):
			pages = append(pages, name)
		}
		return nil
	})
	return pages, err
}

func brokenLinks(t *testing.T, fsys fs.FS, page string) (out []Violation) {
	t.Helper()
	text := read(t, fsys, page)
	for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
			continue
		}
		file, anchor, _ := strings.Cut(m[1], "#")
		target := page
		if file != "" {
			target = path.Join(path.Dir(page), file)
		}
		if _, err := fs.Stat(fsys, target); err != nil {
			out = append(out, Violation{page, target + " does not exist"})
		} else if anchor != "" && !slices.Contains(headings(read(t, fsys, target)), anchor) {
			out = append(out, Violation{page, target + " has no heading #" + anchor})
		}
	}
	makefile := "\n" + read(t, fsys, "Makefile")
	for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			out = append(out, Violation{page, "the Makefile has no target " + m[1]})
		}
	}
	return out
}

// headings are the anchors of a page's headings, in the form that GitHub gives them.
func headings(text string) (anchors []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	return anchors
}

func read(t *testing.T, fsys fs.FS, name string) string {
	t.Helper()
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
