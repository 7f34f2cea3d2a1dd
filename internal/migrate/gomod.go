package migrate

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// GoMod says how a module is to be made to depend on this one.
type GoMod struct {
	// Version of this module to require; "latest" is for Commands only.
	Version string
	// Replace is a directory that holds this module's source, or empty.
	Replace string
	// KeepTemporal is set while files still import Temporal's packages.
	KeepTemporal bool
}

// Commands returns what a person would type in the directory of the module. Other requirements follow from the last
// of them.
func (m GoMod) Commands() [][]string {
	tidy := []string{"go", "mod", "tidy"}
	if m.Version == "latest" {
		return [][]string{{"go", "get", Module + "@latest"}, tidy}
	}
	edit := []string{"go", "mod", "edit", "-require=" + Module + "@" + m.Version}
	if m.Replace != "" {
		edit = append(edit, "-replace="+Module+"="+filepath.ToSlash(m.Replace))
	}
	if !m.KeepTemporal {
		edit = append(edit, "-droprequire="+temporalSDK, "-droprequire="+temporalAPI)
	}
	return [][]string{edit, tidy}
}

// Edit changes the go.mod in dir; it does not tidy, which may need the network.
func (m GoMod) Edit(ctx context.Context, dir string) error {
	args := m.Commands()[0]
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
