package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/millrace-dev/millrace/internal/vet"
)

func (a *app) vetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "vet [PACKAGES]", Short: "Find workflow code that is not deterministic",
		Long: `Checks the workflow functions of Go packages, and what they call within their module, for what may happen otherwise when
a run is replayed: clocks, chance, goroutines, channels, the order of maps, input and output. Packages are named as for
the go command; the default is ./...

A comment //millrace:allow REASON silences its line, or the next one.

The go command can run the same check: go vet -vettool=$(which millrace) ./...`,
		Args: cobra.ArbitraryArgs,
		RunE: a.run(a.vet),
	}
}

// vet has the go command run this program on each package: it knows packages, and remembers what it has checked.
func (a *app) vet(ctx context.Context, packages []string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the path of this program: %w", err)
	}
	args := []string{"vet", "-vettool=" + self}
	if a.flags.output != outputTable {
		args = append(args, "-json")
	}
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	cmd := exec.CommandContext(ctx, "go", append(append(args, "--"), packages...)...)
	cmd.Stdout, cmd.Stderr = a.stdout, a.stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New("the check did not pass")
	}
	if err != nil {
		return fmt.Errorf("run go vet: %w", err)
	}
	return nil
}

// serveVet answers the go command, which calls a vet tool for its version, for its flags, and with the file that
// describes a package. It does not return if args are such a call.
func serveVet(args []string) {
	if len(args) == 0 {
		return
	}
	if last := args[len(args)-1]; args[0] == "-V=full" || args[0] == "-flags" || filepath.Base(last) == "vet.cfg" {
		unitchecker.Main(vet.Analyzer())
	}
}
