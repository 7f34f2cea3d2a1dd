package shop

import (
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

func mock(workflow.Context) { time.Sleep(1) }
