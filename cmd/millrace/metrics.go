package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
)

// serveMetrics serves metrics at an address until stop is called. Without one there are none.
func serveMetrics(address string, logger log.Logger) (h metrics.Handler, stop func(), err error) {
	if address == "" {
		return metrics.Nop{}, func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("serve metrics: %w", err)
	}
	page := metrics.NewPage()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", page)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends when it is closed
	}()
	logger.Info("metrics are served", "url", fmt.Sprintf("http://%s/metrics", listener.Addr()))
	return page, func() {
		_ = server.Close() // nobody is in the middle of anything
		<-ended
	}, nil
}
