package worker

import (
	"os"
	"os/signal"
	"syscall"
)

// InterruptCh returns a channel that yields the signal when the process is asked to end: by SIGINT or SIGTERM. From the
// first call on these signals no longer end the process by themselves.
func InterruptCh() <-chan interface{} {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	interrupt := make(chan interface{}, 1)
	// It lives as long as the process, like the registration of the signals.
	go func() {
		s := <-signals
		interrupt <- s
		close(interrupt)
	}()
	return interrupt
}
