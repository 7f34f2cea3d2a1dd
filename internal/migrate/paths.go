package migrate

import (
	"path"
	"regexp"
	"strings"
)

// Module is the path of the module that programs are brought over to.
const Module = "github.com/millrace-dev/millrace"

// The modules that programs are brought over from.
const (
	temporalSDK = "go.temporal.io/sdk"
	temporalAPI = "go.temporal.io/api"
)

// relative maps an import path of Temporal to a package of ours, relative to the module; "." is its root. Import
// paths of this module map to themselves. ok is false for paths of others.
func relative(importPath string) (pkg string, ours, ok bool) {
	switch {
	case importPath == Module:
		return ".", true, true
	case strings.HasPrefix(importPath, Module+"/"):
		return importPath[len(Module)+1:], true, true
	case importPath == temporalSDK+"/temporal":
		return ".", false, true
	case strings.HasPrefix(importPath, temporalSDK+"/"):
		return importPath[len(temporalSDK)+1:], false, true
	case strings.HasPrefix(importPath, temporalAPI+"/"):
		return "api/" + strings.TrimSuffix(importPath[len(temporalAPI)+1:], "/v1"), false, true
	}
	return "", false, false
}

// absolute is the import path of one of our packages.
func absolute(pkg string) string {
	if pkg == "." {
		return Module
	}
	return Module + "/" + pkg
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// packageName is the name that Temporal's package at that path declares.
func packageName(importPath string) string {
	base := path.Base(importPath)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(importPath))
	}
	return base
}
