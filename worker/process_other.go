//go:build !linux

package worker

import "errors"

// processInfo knows nothing on this system.
type processInfo struct{}

var errNoInfo = errors.New("usage of memory and CPU is not known on this system: set InfoSupplier")

// MemoryUsage fails.
func (*processInfo) MemoryUsage(*SysInfoContext) (float64, error) { return 0, errNoInfo }

// CpuUsage fails.
func (*processInfo) CpuUsage(*SysInfoContext) (float64, error) { return 0, errNoInfo }
