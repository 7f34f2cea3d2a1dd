package replay

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// maxFrames is how many frames of a stack are kept.
const maxFrames = 100

// engine are the beginnings of the names of functions that authors do not want to see in a stack trace.
var engine = [...]string{
	"runtime.",
	"reflect.",
	"iter.",
	"github.com/millrace-dev/millrace/internal/replay.",
	"github.com/millrace-dev/millrace/workflow.",
	"github.com/millrace-dev/millrace/interceptor.",
}

// StackTrace says for each coroutine that has not ended, in the order of creation, what it waits for and where in the
// author's code. It must not be called from the workflow's own code, but for a query handler.
func (m *Machine) StackTrace() string {
	var b strings.Builder
	for _, c := range m.coroutines {
		if c.ended || m.destroyed {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if c.ready == nil {
			fmt.Fprintf(&b, "coroutine %s [not begun]:\n", c.name)
			continue
		}
		fmt.Fprintf(&b, "coroutine %s [blocked on %s]:\n", c.name, c.why)
		writeFrames(&b, c.capturedCallers(), isAuthors)
	}
	return b.String()
}

// capturedCallers resumes c just to look at its own stack.
func (c *coroutine) capturedCallers() []uintptr {
	c.capture = true
	c.next()
	c.capture = false
	callers := c.callers
	c.callers = nil
	return callers
}

// panicStack is the stack of the panic (or Goexit) that the calling deferred function handles.
func panicStack() string {
	pc := make([]uintptr, maxFrames)
	pc = pc[:runtime.Callers(3, pc)]
	var b strings.Builder
	writeFrames(&b, pc, func(function string) bool {
		return !strings.HasPrefix(function, "runtime.") && !strings.HasPrefix(function, "iter.")
	})
	return b.String()
}

func isAuthors(function string) bool {
	for _, prefix := range engine {
		if strings.HasPrefix(function, prefix) {
			return false
		}
	}
	return true
}

func writeFrames(b *strings.Builder, pc []uintptr, keep func(function string) bool) {
	frames := runtime.CallersFrames(pc)
	for {
		f, more := frames.Next()
		if f.Function != "" && keep(f.Function) {
			fmt.Fprintf(b, "%s(...)\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return
		}
	}
}

// goroutineNumber is the number of the calling goroutine in a goroutine dump, 0 if the runtime does not tell.
func goroutineNumber() uint64 {
	var buf [64]byte
	text := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(text, []byte{' '})
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
