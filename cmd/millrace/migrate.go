package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/internal/migrate"
)

// migration is one call of the command.
type migration struct {
	app         *app
	dir         string // that patterns begin in; empty is the current one
	dryRun      bool
	goMod       bool
	replace     string
	surface     *migrate.Surface
	report      migrationReport
	keepImports bool // some import of Temporal's stays
}

type migrationReport struct {
	DryRun bool            `json:"dryRun"`
	Files  []migratedFile  `json:"files"`
	Failed []failedFile    `json:"failed"`
	Nested []string        `json:"otherModules"`
	Module [][]string      `json:"commands"`
	Totals migrationTotals `json:"totals"`
}

type migratedFile struct {
	Path      string        `json:"path"`
	Imports   int           `json:"imports"`
	Generated bool          `json:"generated,omitempty"`
	Gaps      []migrate.Gap `json:"gaps,omitempty"`
}

type failedFile struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

type migrationTotals struct {
	Seen      int `json:"seen"`
	Rewritten int `json:"rewritten"`
	Gaps      int `json:"gaps"`
}

func (a *app) migrateCommand() *cobra.Command {
	m := &migration{app: a}
	cmd := &cobra.Command{
		Use: "migrate [FILE | DIRECTORY | DIRECTORY/...]...", Short: "Bring Go programs over from Temporal's Go SDK",
		Long: `Rewrites the import paths of Temporal's Go SDK to those of Millrace, in all Go files below the current directory unless
others are named, and tells for each file what it uses that has no equivalent yet. Nothing else changes, and a second
run changes nothing. Test files and files for other systems are rewritten as well; vendored code, test data, hidden
directories and nested modules are not.

  millrace migrate --dry-run ./...     show what would change
  millrace migrate ./...               change it
  millrace migrate --go-mod ./...      and require Millrace in ./go.mod

Gaps do not make the command fail; a file that does not parse does, after the others were rewritten.`,
		Args: cobra.ArbitraryArgs,
		RunE: a.run(m.run),
	}
	f := cmd.Flags()
	f.BoolVar(&m.dryRun, "dry-run", false, "print a unified diff and change nothing")
	f.BoolVar(&m.goMod, "go-mod", false, "edit ./go.mod as well, instead of telling how")
	f.StringVar(&m.replace, "replace", "", "take Millrace from this `directory` (with --go-mod)")
	return cmd
}

func (m *migration) run(ctx context.Context, patterns []string) (err error) {
	if m.dryRun && m.goMod {
		return usagef("--dry-run and --go-mod contradict each other")
	}
	if m.replace != "" && !m.goMod {
		return usagef("--replace is of no use without --go-mod")
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	if m.surface, err = migrate.Known(); err != nil {
		return fmt.Errorf("read what Millrace has: %w", err)
	}
	files, nested, err := migrate.Find(m.dir, patterns)
	if err != nil {
		return err
	}
	m.report.DryRun, m.report.Nested, m.report.Totals.Seen = m.dryRun, nested, len(files)
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.file(name); err != nil {
			m.report.Failed = append(m.report.Failed, failedFile{name, err.Error()})
		}
	}
	if err := m.module(ctx); err != nil {
		return err
	}
	if err := m.tell(); err != nil {
		return err
	}
	if n := len(m.report.Failed); n > 0 {
		return fmt.Errorf("%d of %d files could not be brought over", n, len(files))
	}
	return nil
}

// file brings one file over.
func (m *migration) file(name string) error {
	path := filepath.Join(m.dir, name)
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := migrate.Rewrite(name, src, m.surface)
	if err != nil {
		return err
	}
	m.keepImports = m.keepImports || strings.Contains(string(f.Source), `"go.temporal.io/`)
	if f.Rewritten == 0 && len(f.Gaps) == 0 {
		return nil
	}
	if f.Rewritten > 0 {
		m.report.Totals.Rewritten++
		if m.dryRun {
			slash := filepath.ToSlash(filepath.Clean(name))
			if _, err := m.diffs().Write(diff.Diff("a/"+slash, src, "b/"+slash, f.Source)); err != nil {
				return err
			}
		} else if err := migrate.Replace(path, f.Source); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	m.report.Totals.Gaps += len(f.Gaps)
	m.report.Files = append(m.report.Files, migratedFile{Path: name, Imports: f.Rewritten, Generated: f.Generated, Gaps: f.Gaps})
	return nil
}

// diffs is where a dry run writes: a patch must be alone on the standard output.
func (m *migration) diffs() io.Writer {
	if m.app.flags.output == outputTable {
		return m.app.stdout
	}
	return m.app.stderr
}

// module edits go.mod, or tells how.
func (m *migration) module(ctx context.Context) error {
	mod := migrate.GoMod{Version: version(), Replace: m.replace, KeepTemporal: m.keepImports}
	if !strings.HasPrefix(mod.Version, "v") {
		mod.Version = "latest"
	}
	if m.replace != "" {
		mod.Version = "v0.0.0" // what is replaced needs none, and go.mod wants one
	}
	if !m.goMod {
		if m.report.Totals.Rewritten > 0 {
			m.report.Module = mod.Commands()
		}
		return nil
	}
	if mod.Version == "latest" {
		return usagef("--go-mod: this program was built from source and knows no version to require: add --replace with the directory of the source")
	}
	if err := mod.Edit(ctx, filepath.Join(m.dir, ".")); err != nil {
		return err
	}
	m.report.Module = mod.Commands()[1:]
	return nil
}

// tell writes the report: to the standard error if that output is a patch.
func (m *migration) tell() error {
	if m.app.flags.output != outputTable {
		return m.app.printJSON(m.report)
	}
	out := m.app.stdout
	if m.dryRun {
		out = m.app.stderr
	}
	_, err := io.WriteString(out, m.text())
	return err
}

func (m *migration) text() string {
	var b strings.Builder
	for _, f := range m.report.Files {
		if f.Generated {
			fmt.Fprintf(&b, "%s: is generated: what writes it must write the new paths as well\n", f.Path)
		}
		for _, g := range f.Gaps {
			fmt.Fprintf(&b, "%s:%d:%d: %s\n", f.Path, g.Line, g.Column, g.What)
		}
	}
	for _, f := range m.report.Failed {
		fmt.Fprintf(&b, "%s: left as it is: %s\n", f.Path, f.Error)
	}
	for _, dir := range m.report.Nested {
		fmt.Fprintf(&b, "%s: is a module of its own: run millrace migrate there\n", dir)
	}
	t, verb := m.report.Totals, "rewritten"
	if m.dryRun {
		verb = "to be rewritten"
	}
	fmt.Fprintf(&b, "%d files seen, %d %s, %d gaps\n", t.Seen, t.Rewritten, verb, t.Gaps)
	if len(m.report.Module) > 0 {
		b.WriteString("next:\n")
		for _, args := range m.report.Module {
			fmt.Fprintf(&b, "  %s\n", strings.Join(args, " "))
		}
	}
	return b.String()
}
