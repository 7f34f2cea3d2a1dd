package lint

import (
	"maps"
	"slices"
	"strings"
)

// below lists, for each package of the module, those that it may import; what these may import it may import too. A
// package below another in the file tree belongs to the same layer, unless it is listed itself. The root is ".".
func below() map[string][]string {
	return map[string][]string{
		"log":              {},
		"internal/metrics": {},

		"internal/goroutines": {},
		"internal/alone":      {},
		"internal/ballast":    {},

		"api":       {},
		"converter": {"api"},
		".":         {"converter"},

		"internal/cron":    {},
		"internal/retry":   {"."},
		"internal/history": {".", "internal/cron", "internal/retry"},
		"internal/export":  {"internal/history"},
		"internal/replay":  {"internal/history"},
		"workflow":         {"internal/replay", "log", "internal/metrics"},

		"internal/deployment": {},
		"internal/fairness":   {},

		"streams": {"internal/history", "internal/fairness", "internal/goroutines", "log"},

		"internal/payloads": {"streams", "workflow"},

		"internal/gateway/gatewire": {"streams"},
		"internal/gateway/ask":      {"internal/gateway/gatewire"},
		"internal/gateway":          {"worker"},
		"internal/security":         {"internal/gateway/gatewire"},

		"client":      {"internal/gateway/ask", "internal/schedule", "internal/standalone", "internal/deployment", "internal/payloads", "streams", "converter", "workflow", "internal/export", "internal/alone"},
		"activity":    {"client"},
		"interceptor": {"client", "workflow", "activity"},
		"typed":       {"client", "workflow"},
		"plugin":      {"worker", "interceptor"},
		"testsuite":   {"worker", "internal/scheduler", "internal/devserver"},

		"coordinator": {"streams", "workflow", "internal/replay", "internal/goroutines", "internal/alone"},
		"worker":      {"client", "coordinator", "activity", "interceptor"},

		"internal/schedule":   {"workflow"},
		"internal/standalone": {"workflow"},
		"internal/scheduler":  {"worker"},

		"internal/daemon":    {"streams", "log"},
		"internal/devserver": {"log"},
		"internal/lint":      {},
		"deploy":             {},
		"internal/migrate":   {},
		"internal/vet":       {},
	}
}

// tops may import anything, and nothing but each of them itself imports them, except that programs may import contrib.
var tops = [...]string{"cmd", "examples", "integration", "contrib"}

// strict lists the layers whose tests, too, keep to the layer's imports: their tests are pure and fast.
var strict = [...]string{"log", "api", "converter", ".", "internal/cron", "internal/retry", "internal/history", "internal/replay"}

// checkLayers enforces below. Tests outside strict, and packages that exist for tests, may import any library package
// of the module: an example of `workflow` shows a worker, and a test of `streams` needs a server. Nobody imports tops,
// and only tests import what exists for tests. internal/devserver is for tests and tops.
func checkLayers(t *Tree) []Violation {
	allowed := closure(below())
	var out []Violation
	for _, f := range t.Files {
		layer := layerOf(f.Dir)
		if layer == "" {
			out = append(out, t.violation(f.File.Name, "package %s has no place in the table of layers: add it to internal/lint/layers.go", f.Dir))
			continue
		}
		for _, spec := range f.Imports {
			target, ours := relative(importPath(spec))
			if !ours {
				continue
			}
			if why := refuse(f, layer, target, allowed); why != "" {
				out = append(out, t.violation(spec, "%s must not import %s: %s", f.Dir, target, why))
			}
		}
	}
	return out
}

// refuse says why f must not import target, or "".
func refuse(f *File, layer, target string, allowed map[string]map[string]bool) string {
	to := layerOf(target)
	free := f.Test || isTestHelper(f.Dir)
	top := slices.Contains(tops[:], layer)
	switch {
	case to == layer && (to != "." || target == "."):
		if isTestHelper(target) && !free && !top {
			return "it exists for tests"
		}
		return ""
	case to == "":
		return "it has no place in the table of layers"
	case slices.Contains(tops[:], to) && (!top || to != "contrib"): // programs use contrib as anybody does
		return "nobody imports " + to
	case top:
		return ""
	case free && !slices.Contains(strict[:], layer):
		return ""
	case isTestHelper(target):
		return "it exists for tests"
	case !allowed[layer][to]:
		return layer + " may import " + list(allowed[layer])
	}
	return ""
}

// layerOf returns the entry of the table that dir belongs to, or "".
func layerOf(dir string) string {
	if dir == "." {
		return "."
	}
	best := ""
	for _, top := range tops {
		if within(dir, top) {
			best = top
		}
	}
	for layer := range below() {
		if layer != "." && within(dir, layer) && len(layer) > len(best) {
			best = layer
		}
	}
	return best
}

// closure returns for each layer everything it may import, directly or through others.
func closure(direct map[string][]string) map[string]map[string]bool {
	all := make(map[string]map[string]bool, len(direct))
	var visit func(layer string) map[string]bool
	visit = func(layer string) map[string]bool {
		if set, ok := all[layer]; ok {
			return set
		}
		set := make(map[string]bool)
		all[layer] = set
		for _, d := range direct[layer] {
			set[d] = true
			maps.Copy(set, visit(d))
		}
		return set
	}
	for layer := range direct {
		visit(layer)
	}
	return all
}

// relative returns the directory of a package of this module.
func relative(pkg string) (dir string, ours bool) {
	if pkg == Module {
		return ".", true
	}
	return strings.CutPrefix(pkg, Module+"/")
}

func list(set map[string]bool) string {
	if len(set) == 0 {
		return "nothing of ours"
	}
	return "only " + strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}
