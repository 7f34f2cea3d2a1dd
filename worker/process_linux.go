package worker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// processInfo tells how busy this process and its memory are.
type processInfo struct {
	mu   sync.Mutex // guards the rest
	at   time.Time
	used time.Duration
}

// MemoryUsage is that of the control group where it has a limit, else that of the machine.
func (*processInfo) MemoryUsage(*SysInfoContext) (float64, error) {
	const group = "/sys/fs/cgroup/"
	limit, err := readNumber(group + "memory.max")
	if err == nil && limit > 0 {
		current, err := readNumber(group + "memory.current")
		return current / limit, err
	}
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("memory usage: %w", err)
	}
	fields := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 {
			fields[words[0]], _ = strconv.ParseFloat(words[1], 64) // a missing field shows below
		}
	}
	total, available := fields["MemTotal:"], fields["MemAvailable:"]
	if total <= 0 {
		return 0, errors.New("memory usage: /proc/meminfo has no MemTotal")
	}
	return 1 - available/total, nil
}

func readNumber(file string) (float64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("memory usage: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(data)), 64)
}

// CpuUsage is the part of the processors that this process has used since the last call.
func (p *processInfo) CpuUsage(*SysInfoContext) (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("CPU usage: %w", err)
	}
	used := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	elapsed, more := now.Sub(p.at), used-p.used
	first := p.at.IsZero()
	p.at, p.used = now, used
	if first || elapsed <= 0 {
		return 0, nil
	}
	return min(more.Seconds()/(elapsed.Seconds()*float64(runtime.GOMAXPROCS(0))), 1), nil
}
