package migrate

import (
	_ "embed" // surface.txt
	"fmt"
	"regexp"
	"strings"
)

//go:embed surface.txt
var known string

// Surface is what this module exports, and where that is less than Temporal's of the same name.
type Surface struct{ packages map[string]*pkg }

// pkg is one package of ours.
type pkg struct {
	name  string // that it declares
	names map[string]difference
}

// difference is what an identifier of ours lacks beside Temporal's; the zero value lacks nothing.
type difference struct {
	fields  []string // of a struct
	methods []string
	rest    []string // anything else that may keep code from compiling, as text
}

// Known returns the surface of this version of the module.
func Known() (*Surface, error) { return ReadSurface(known) }

var lacking = regexp.MustCompile("^lacks (field|method) `([^`]+)`$")

// ReadSurface reads the form in which `make compat` writes a surface. Each package begins with a line of "package",
// its path relative to the module and its name; each exported identifier has a line, in which differences follow
// after a colon, separated by semicolons. Empty lines and lines that begin with # say nothing.
func ReadSurface(text string) (*Surface, error) {
	s := &Surface{packages: make(map[string]*pkg)}
	var current *pkg
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "package "); ok {
			path, name, ok := strings.Cut(rest, " ")
			if !ok {
				return nil, fmt.Errorf("surface line %d: %q: want package PATH NAME", i+1, line)
			}
			current = &pkg{name: name, names: make(map[string]difference)}
			s.packages[path] = current
			continue
		}
		if current == nil {
			return nil, fmt.Errorf("surface line %d: %q: belongs to no package", i+1, line)
		}
		name, differences, _ := strings.Cut(line, ": ")
		current.names[name] = readDifference(differences)
	}
	return s, nil
}

func readDifference(text string) difference {
	var d difference
	for part := range strings.SplitSeq(text, "; ") {
		switch m := lacking.FindStringSubmatch(part); {
		case part == "" || strings.HasPrefix(part, "asks for method"): // concerns only who implements it
		case m == nil:
			d.rest = append(d.rest, part)
		case m[1] == "field":
			d.fields = append(d.fields, m[2])
		default:
			d.methods = append(d.methods, m[2])
		}
	}
	return d
}
