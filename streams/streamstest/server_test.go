package streamstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

func TestServerConforms(t *testing.T) {
	nc := devtest.Conn(t, devtest.Server(t))
	streamstest.Run(t, func(t *testing.T) streamstest.Subject {
		return openNamespace(t, nc, streams.CreateOptions{Partitions: 3})
	})
}

// What is written in groups is stored like anything else.
func TestGroupsConform(t *testing.T) {
	nc := devtest.Conn(t, devtest.Server(t))
	streamstest.Run(t, func(t *testing.T) streamstest.Subject {
		return openNamespace(t, nc, streams.CreateOptions{GroupCommit: true})
	})
}

func TestClusterConforms(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster of three servers")
	}
	nc := devtest.Conn(t, devtest.Cluster(t, 3)...)
	streamstest.Run(t, func(t *testing.T) streamstest.Subject {
		return openNamespace(t, nc, streams.CreateOptions{Replicas: 3})
	})
}

func openNamespace(t *testing.T, nc *nats.Conn, o streams.CreateOptions) streamstest.Subject {
	t.Helper()
	const name = "conformance"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	plan, err := streams.PlanNamespace(ctx, nc, name, o)
	if err != nil {
		t.Fatalf("plan namespace: %v", err)
	}
	if err := plan.Apply(ctx); err != nil {
		t.Fatalf("create namespace: %v", err)
	}
	n, err := streams.Open(ctx, nc, name)
	if err != nil {
		t.Fatalf("open namespace: %v", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatalf("jetstream: %v", err)
	}
	return &intruded{n, js}
}

// intruded is a namespace whose streams others use too.
type intruded struct {
	*streams.Namespace
	js jetstream.JetStream
}

func (n *intruded) InjectJunk(run history.Run, data []byte) error {
	return n.publish(run, "history", data)
}

func (n *intruded) InjectStart(run history.Address, data []byte) error {
	return n.publish(run.Run, "start."+streams.EncodeToken(run.Queue)+"."+streams.EncodeToken(run.Build), data)
}

func (n *intruded) publish(run history.Run, rest string, data []byte) error {
	subject := fmt.Sprintf("millrace.%s.%d.run.%s.%s.%s", n.Name(), n.Partition(run.WorkflowID),
		streams.EncodeToken(run.WorkflowID), streams.EncodeToken(run.RunID), rest)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := n.js.Publish(ctx, subject, data)
	return err
}

func (n *intruded) DeleteConsumers(queue string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for p := range n.Partitions() {
		for _, kind := range []string{"HISTORY", "INBOX", "TASKS"} {
			stream := fmt.Sprintf("MILLRACE_%s_%d_%s", n.Name(), p, kind)
			if err := n.deleteConsumers(ctx, stream, "."+streams.EncodeToken(queue)+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteConsumers deletes those with the token in their filters.
func (n *intruded) deleteConsumers(ctx context.Context, stream, token string) error {
	s, err := n.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		filters, err := json.Marshal(info.Config)
		if err != nil {
			return err
		}
		if strings.Contains(string(filters), token) {
			err := s.DeleteConsumer(ctx, info.Name)
			if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // a cluster may list what is gone
				return err
			}
		}
	}
	return list.Err()
}
