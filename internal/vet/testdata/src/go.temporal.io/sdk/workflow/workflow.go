// Package workflow stands for the one of Temporal's SDK.
package workflow

import "go.temporal.io/sdk/internal"

type Context = internal.Context
