//go:build linux

package powerloss

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/integration/powerloss/forgetfs"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/log"
)

// What `make faults` asks for; the defaults are for `go test`.
var (
	cuts         = flag.Int("cuts", 2, "power cuts in each test")
	cases        = flag.Int("cases", 7, "files to damage")
	replicaCases = flag.Int("replica-cases", 2, "files of one server of three to damage")
	cycles       = flag.Int("cycles", 1, "how often the disk is filled up")
	cluster      = flag.Bool("cluster", false, "cut the power of clusters as well, which takes some seconds for each cut")
	seed         = flag.Uint64("seed", 1, "seed of what the tests leave to chance")
)

func TestMain(m *testing.M) {
	if config := os.Getenv(serverEnv); config != "" {
		os.Exit(serve(config))
	}
	flag.Parse()
	if stale, err := forgetfs.UnmountStale(); err != nil || len(stale) > 0 {
		fmt.Fprintf(os.Stderr, "unmounted what tests that died had left: %v %v\n", stale, err)
	}
	goleak.VerifyTestMain(m)
}

const (
	// serverEnv makes this test binary a server: it is its devserver.Config as JSON.
	serverEnv = "MILLRACE_POWERLOSS_SERVER"
	readyLine = "ready"
)

var errOrphaned = errors.New("the test is gone")

// serve is the whole life of a server's process, which usually ends by being killed.
func serve(encoded string) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // the test holds the other end
		cancel(errOrphaned)
	}()
	config := devserver.Config{}
	err := json.Unmarshal([]byte(encoded), &config)
	config.Logger = log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})))
	var s *devserver.Server
	if err == nil {
		s, err = devserver.Start(config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Shutdown()
	fmt.Println(readyLine)
	<-ctx.Done()
	return 0
}
