package main

import (
	"errors"
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// world is one side of the comparison: type-checked packages by import path.
type world struct {
	packages map[string]*types.Package
	notes    map[types.Object]note // what the doc comments of these packages say
	version  string                // of the module, empty for the main module
}

const fromSource = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
	packages.NeedExportFile | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax | packages.NeedModule

// loadTemporal loads the public packages of Temporal's SDK and those of its internal ones that they are made of. It
// runs in the directory of this module, whose go.mod says which version that is.
func loadTemporal(dir string) (*world, error) {
	var public []string
	for _, name := range surfacePackages {
		public = append(public, temporalSDK+"/"+name)
	}
	const graph = packages.NeedName | packages.NeedImports | packages.NeedDeps
	roots, err := packages.Load(&packages.Config{Mode: graph, Dir: dir}, public...)
	if err != nil {
		return nil, fmt.Errorf("list the packages of %s: %w", temporalSDK, err)
	}
	var all []string
	packages.Visit(roots, nil, func(p *packages.Package) {
		if within(p.PkgPath, temporalSDK) {
			all = append(all, p.PkgPath)
		}
	})
	slices.Sort(all)
	return load(dir, all)
}

// loadOurs loads what this repository has of the compared packages, and the api packages that they speak of.
func loadOurs(root string) (*world, error) {
	patterns := []string{".", "./api/..."}
	for _, name := range surfacePackages {
		if name == "temporal" {
			continue // it is the root
		}
		files, err := filepath.Glob(filepath.Join(root, name, "*.go"))
		if err != nil {
			return nil, fmt.Errorf("look for package %s: %w", name, err)
		}
		if slices.ContainsFunc(files, func(f string) bool { return !strings.HasSuffix(f, "_test.go") }) {
			patterns = append(patterns, "./"+name)
		}
	}
	return load(root, patterns)
}

func load(dir string, patterns []string) (*world, error) {
	// Both modules are read as they are: a surrounding workspace must not change the versions.
	cfg := &packages.Config{Mode: fromSource, Dir: dir, Env: append(os.Environ(), "GOWORK=off")}
	loaded, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", strings.Join(patterns, " "), err)
	}
	w := &world{packages: make(map[string]*types.Package), notes: make(map[types.Object]note)}
	var broken []error
	for _, p := range loaded {
		for _, e := range p.Errors {
			broken = append(broken, e)
		}
		w.packages[p.PkgPath] = p.Types
		if p.Module != nil {
			w.version = p.Module.Version
		}
		takeNotes(w.notes, p.Syntax, p.TypesInfo)
	}
	if err := errors.Join(broken...); err != nil {
		return nil, fmt.Errorf("type-check the packages below %s: %w", dir, err)
	}
	return w, nil
}

// lookup returns the exported object of that name, or nil.
func (w *world) lookup(importPath, name string) types.Object {
	p := w.packages[importPath]
	if p == nil {
		return nil
	}
	return p.Scope().Lookup(name)
}
