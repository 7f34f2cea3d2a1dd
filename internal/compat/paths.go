package main

import (
	"path"
	"regexp"
	"strings"
)

const (
	ourModule   = "github.com/millrace-dev/millrace"
	temporalSDK = "go.temporal.io/sdk"
	temporalAPI = "go.temporal.io/api"
)

// surfacePackages are the packages that are compared, by their names below Temporal's SDK.
var surfacePackages = [...]string{
	"workflow", "activity", "client", "worker", "testsuite", "temporal", "converter", "interceptor", "log",
}

// rewrite maps an import path of Temporal to ours; other paths stay as they are.
func rewrite(importPath string) string {
	if within(importPath, temporalSDK+"/temporal") {
		return ourModule + strings.TrimPrefix(importPath, temporalSDK+"/temporal")
	}
	if within(importPath, temporalSDK) {
		return ourModule + strings.TrimPrefix(importPath, temporalSDK)
	}
	if within(importPath, temporalAPI) {
		return ourModule + "/api" + strings.TrimSuffix(strings.TrimPrefix(importPath, temporalAPI), "/v1")
	}
	return importPath
}

// within reports whether the path is root or below it.
func within(importPath, root string) bool {
	return importPath == root || strings.HasPrefix(importPath, root+"/")
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// shortName returns the name under which a program that came from Temporal imports a package.
func shortName(importPath string) string {
	if importPath == ourModule {
		return "temporal"
	}
	base := path.Base(importPath)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(importPath))
	}
	return base
}
