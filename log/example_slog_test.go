package log_test

import (
	"log/slog"
	"os"

	"github.com/millrace-dev/millrace/log"
)

func ExampleNewStructuredLogger() {
	handler := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	logger := log.With(log.NewStructuredLogger(slog.New(handler)), "queue", "training")
	logger.Info("worker started", "slots", 10)
	// Output: level=INFO msg="worker started" queue=training slots=10
}
