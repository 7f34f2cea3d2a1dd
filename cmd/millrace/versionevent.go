package main

import apihistory "github.com/millrace-dev/millrace/api/history"

// overrideText says which build decides for a run by an override.
func overrideText(o *apihistory.VersioningOverride) string {
	switch {
	case o == nil:
		return "no override"
	case o.BuildId == "":
		return "upgraded automatically"
	}
	return "pinned to " + o.DeploymentName + "." + o.BuildId
}
