package devserver

import (
	"fmt"
	"sync"

	"github.com/millrace-dev/millrace/log"
)

// logAdapter is nats-server's logger. It also keeps the first fatal message: nats-server reports a failed start only
// there, and expects the logger to end the process, which a library must not do.
type logAdapter struct {
	to log.Logger

	mu    sync.Mutex // guards fatal
	fatal string
}

func newLogAdapter(to log.Logger) *logAdapter {
	return &logAdapter{to: log.With(to, "component", "nats-server")}
}

func (a *logAdapter) Noticef(format string, v ...any) { a.to.Debug(fmt.Sprintf(format, v...)) }
func (a *logAdapter) Warnf(format string, v ...any)   { a.to.Warn(fmt.Sprintf(format, v...)) }
func (a *logAdapter) Errorf(format string, v ...any)  { a.to.Error(fmt.Sprintf(format, v...)) }
func (a *logAdapter) Debugf(format string, v ...any)  { a.to.Debug(fmt.Sprintf(format, v...)) }
func (a *logAdapter) Tracef(format string, v ...any)  { a.to.Debug(fmt.Sprintf(format, v...)) }

// Fatalf is called with locks of the server held, so it must not call back into it. The message becomes the error of
// Start and is therefore not logged as well.
func (a *logAdapter) Fatalf(format string, v ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fatal == "" {
		a.fatal = fmt.Sprintf(format, v...)
	}
}

func (a *logAdapter) firstFatal() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fatal
}
