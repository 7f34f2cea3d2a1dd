package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/metrics"
)

// heard is a logger that keeps the URL that is said.
type heard struct{ url string }

func (h *heard) Debug(string, ...any) {}
func (h *heard) Warn(string, ...any)  {}
func (h *heard) Error(string, ...any) {}
func (h *heard) Info(_ string, kv ...any) {
	h.url, _ = kv[1].(string)
}

func TestMetricsAreServedUntilTheEnd(t *testing.T) {
	var logger heard
	h, stop, err := serveMetrics("127.0.0.1:0", &logger)
	if err != nil {
		t.Fatal(err)
	}
	metrics.Healed(h, "a", "send task").Inc(1)
	answer, err := http.Get(logger.url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(body), `millrace_healed{measure="send task",namespace="a"} 1`) {
		t.Errorf("the page is %q, %v", body, err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if _, err := http.Get(logger.url); err == nil {
		t.Error("the page is served after the end")
	}
	if _, _, err := serveMetrics("nowhere", &logger); err == nil {
		t.Error("an address without port is taken")
	}
}
