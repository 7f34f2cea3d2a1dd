// Package temporal was not brought over yet.
package temporal

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

func Workflow(ctx workflow.Context) { time.Sleep(1) } // want `workflow code calls time.Sleep: use workflow.Sleep`
