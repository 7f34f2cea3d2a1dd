package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/integration/verify"
)

var errNoLeader = errors.New("there is no leader")

// leader is the name of the server that leads a stream.
func (f *fleet) leader(ctx context.Context, stream string) (string, error) {
	if f.servers == 1 {
		return f.of(partServer)[0].name, nil
	}
	js, err := jetstream.New(f.admin)
	if err != nil {
		return "", fmt.Errorf("leader of %s: %w", stream, err)
	}
	s, err := js.Stream(ctx, apiStream(stream))
	if err != nil {
		return "", fmt.Errorf("leader of %s: %w", stream, err)
	}
	if c := s.CachedInfo().Cluster; c != nil && c.Leader != "" {
		return c.Leader, nil
	}
	return "", fmt.Errorf("leader of %s: %w", stream, errNoLeader)
}

// consumerOf is the durable consumer through which the load's workers take what a stream has for them.
func (f *fleet) consumerOf(ctx context.Context, stream string) (jetstream.Stream, string, error) {
	js, err := jetstream.New(f.admin)
	if err != nil {
		return nil, "", err
	}
	s, err := js.Stream(ctx, apiStream(stream))
	if err != nil {
		return nil, "", err
	}
	names := s.ConsumerNames(ctx)
	found := ""
	for name := range names.Name() {
		if found == "" && len(name) > len(taskQueue) && name[len(name)-len(taskQueue):] == taskQueue {
			found = name
		}
	}
	if names.Err() == nil && found == "" {
		return nil, "", fmt.Errorf("stream %s has no consumer of queue %s", stream, taskQueue)
	}
	return s, found, names.Err()
}

// deleteConsumer deletes a consumer under the processes that use it. They have to create it again by themselves.
type deleteConsumer struct{}

func (deleteConsumer) kind() verify.FaultKind { return "consumer-delete" }

func (deleteConsumer) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	stream := []string{streamHistory, streamInbox, streamTasks}[r.IntN(3)]
	hit, err := s.underWay()
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	on, name, err := s.fleet.consumerOf(bounded, stream)
	if err == nil {
		err = on.DeleteConsumer(bounded, name)
	}
	if err != nil {
		return nil, nil // nobody answers just now, or it has not come back yet
	}
	return &strike{target: stream + " " + name, hit: hit, heal: nothingToHeal}, nil
}

func nothingToHeal(context.Context) error { return nil }

// stepDown makes the leader of a stream, or of a consumer, hand its office over.
type stepDown struct {
	name     verify.FaultKind
	consumer bool
}

func (d stepDown) kind() verify.FaultKind { return d.name }

func (d stepDown) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	stream := []string{streamHistory, streamInbox, streamTasks}[r.IntN(3)]
	hit, err := s.underWay()
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	target, subject := stream, "$JS.API.STREAM.LEADER.STEPDOWN."+apiStream(stream)
	if d.consumer {
		_, name, err := s.fleet.consumerOf(bounded, stream)
		if err != nil {
			return nil, nil
		}
		target, subject = stream+" "+name, "$JS.API.CONSUMER.LEADER.STEPDOWN."+apiStream(stream)+"."+name
	}
	reply, err := s.fleet.admin.RequestWithContext(bounded, subject, nil)
	if err != nil {
		return nil, nil
	}
	var answer struct {
		Success bool `json:"success"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return nil, fmt.Errorf("step down the leader of %s: %w", target, err)
	}
	if !answer.Success {
		return nil, nil // there is none just now
	}
	return &strike{target: target, hit: hit, heal: nothingToHeal}, nil
}

// last is the last sequence of a stream.
func (f *fleet) last(ctx context.Context, stream string) (uint64, error) {
	js, err := jetstream.New(f.admin)
	if err != nil {
		return 0, fmt.Errorf("last sequence of %s: %w", stream, err)
	}
	s, err := js.Stream(ctx, apiStream(stream))
	if err != nil {
		return 0, fmt.Errorf("last sequence of %s: %w", stream, err)
	}
	return s.CachedInfo().State.LastSeq, nil
}
