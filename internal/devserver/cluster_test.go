package devserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

func TestClusterSurvivesLossOfStreamLeader(t *testing.T) {
	servers := devtest.Cluster(t, 3)
	nc := devtest.Conn(t, servers...)
	createStream(t, nc, 3) // would hang without a leader for the cluster
	publish(t, nc, "s.1")
	leader := -1
	for i, s := range servers {
		if s.IsStreamLeader("S") {
			leader = i
		}
	}
	if leader < 0 {
		t.Fatal("no server says that it leads the stream")
	}
	servers[leader].Shutdown()
	publishUntilStored(t, jetStream(t, nc), "s.2")
	servers[leader] = devtest.Restart(t, servers[leader])
	if n := messages(t, nc); n != 2 {
		t.Fatalf("stream has %d messages after the failover, want 2", n)
	}
}

// publishUntilStored repeats a publish while the stream elects a leader. The message ID keeps repeats out.
func publishUntilStored(t *testing.T, js jetstream.JetStream, subject string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		try, done := context.WithTimeout(ctx, time.Second)
		_, err := js.Publish(try, subject, nil, jetstream.WithMsgID(subject))
		done()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("publish to a cluster that lost one of three members: %v", err)
		}
	}
}

func TestWaitReadyNamesWhatIsMissing(t *testing.T) {
	// A member that is alone with two routes to nobody never gets a leader.
	s := devtest.ServerWith(t, devserver.Config{Cluster: devserver.Cluster{
		Name: "alone", Port: devserver.RandomPort, Routes: []string{"nats://127.0.0.1:1", "nats://127.0.0.1:2"},
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := s.WaitReady(ctx, 3)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("WaitReady = %v, want a time-out", err)
	}
	t.Log(err)
}
