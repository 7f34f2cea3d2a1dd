package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
)

// handOverTime bounds the wait for a task that somebody is just being given.
const handOverTime = 3 * time.Second

func (g *Gateway) poll(ctx context.Context, queue string, r *gatewire.PollRequest) (any, error) {
	at, err := g.desks.desk(queue)
	if err != nil {
		return nil, err
	}
	s := &seat{desk: at, identity: r.Identity, lease: r.Lease(), answers: make(chan seatAnswer, 1)}
	if len(r.Types) > 0 {
		s.types = make(map[string]bool, len(r.Types))
		for _, t := range r.Types {
			s.types[t] = true
		}
	}
	ctx, cancel := context.WithTimeout(ctx, waitOf(r.WaitMillis))
	defer cancel()
	if err := at.enter(s); err != nil {
		return nil, err
	}
	select {
	case a := <-s.answers:
		return polled(a)
	case <-ctx.Done():
	}
	if at.leave(s) {
		return gatewire.PollReply{}, nil
	}
	select {
	case a := <-s.answers:
		return polled(a)
	case <-time.After(handOverTime):
		return gatewire.PollReply{}, nil // and the task, if one comes, is not accepted
	}
}

func polled(a seatAnswer) (any, error) {
	switch {
	case a.err != nil:
		return nil, a.err
	case a.reply == nil:
		return gatewire.PollReply{}, nil
	}
	return a.reply, nil
}

// lent is what a gateway is asked about a task that some gateway has handed out.
type lent struct {
	Verb  gatewire.Verb   `json:"verb"`
	Queue string          `json:"queue"`
	Body  json.RawMessage `json:"body"`
}

// pass asks the gateway that has given a lease. It returns nothing when that one is this one, or is gone.
func (g *Gateway) pass(ctx context.Context, verb gatewire.Verb, queue string, id gatewire.LeaseID, request any) (any, error) {
	if id.Gateway == g.desks.id {
		return nil, nil
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(lent{verb, queue, body})
	if err != nil {
		return nil, err
	}
	answer, err := g.ns.AskLease(ctx, id.Gateway.String(), data)
	if errors.Is(err, streams.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return json.RawMessage(answer), nil
}

// answerLease answers what another gateway passes on.
func (g *Gateway) answerLease(ctx context.Context, data []byte) []byte {
	var l lent
	if err := json.Unmarshal(data, &l); err != nil {
		return g.reply(l.Verb, nil, gatewire.Refuse("what was passed on is not readable: %v", err))
	}
	var reply any
	var err error
	switch l.Verb {
	case gatewire.Complete:
		reply, err = decoded(g.complete)(ctx, l.Queue, l.Body)
	case gatewire.Heartbeat:
		reply, err = decoded(g.heartbeat)(ctx, l.Queue, l.Body)
	default:
		err = gatewire.Refuse("verb %q is not passed on", l.Verb)
	}
	return g.reply(l.Verb, reply, err)
}

func (g *Gateway) lease(id uuid.UUID) *lease {
	g.desks.mu.Lock()
	defer g.desks.mu.Unlock()
	return g.desks.leases[id]
}

// complete takes the outcome of a task: into the hands that hold the task or, when nobody does, into the run's inbox.
func (g *Gateway) complete(ctx context.Context, queue string, r *gatewire.CompleteRequest) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	id, token, err := g.sealer.Open(r.Token, g.ns.Name(), queue)
	if err != nil {
		return nil, err
	}
	if reply, err := g.pass(ctx, gatewire.Complete, queue, id, r); err != nil || reply != nil {
		return reply, err
	}
	reported := make(chan error, 1)
	o := worker.RemoteOutcome{Result: r.Result, Failure: r.Failure, Pending: r.Pending, HandedBack: r.HandBack, Details: r.Details,
		Reported: func(err error) { reported <- err }}
	if l := g.lease(id.Lease); l != nil && l.finish(o) {
		select {
		case err := <-reported:
			return struct{}{}, err
		case <-ctx.Done():
			return nil, fmt.Errorf("outcome of activity %q was taken and is not confirmed: %w", token.ActivityID, ctx.Err())
		}
	}
	if r.Pending || r.HandBack {
		return struct{}{}, nil // it is nobody's already
	}
	return struct{}{}, g.backend.CompleteActivity(ctx, token, &history.ActivityResult{Result: r.Result, Failure: r.Failure, Identity: r.Identity})
}

// heartbeat takes a sign of life of a task.
func (g *Gateway) heartbeat(ctx context.Context, queue string, r *gatewire.HeartbeatRequest) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	id, token, err := g.sealer.Open(r.Token, g.ns.Name(), queue)
	if err != nil {
		return nil, err
	}
	if reply, err := g.pass(ctx, gatewire.Heartbeat, queue, id, r); err != nil || reply != nil {
		return reply, err
	}
	if l := g.lease(id.Lease); l != nil {
		if canceled, leased := l.beat(r.Beat, r.Details); leased {
			return gatewire.HeartbeatReply{CancelRequested: canceled, Leased: true}, nil
		}
	}
	// Nobody holds the task. While it is noted to be completed from outside it is as good as held.
	if r.Beat || r.Details != nil {
		canceled, pending, err := g.backend.Heartbeat(ctx, token, r.Details)
		return gatewire.HeartbeatReply{CancelRequested: canceled, Leased: pending}, err
	}
	canceled, err := g.ns.CancelRequested(ctx, token.Run.Run, token.Event)
	if err != nil {
		return nil, err
	}
	return gatewire.HeartbeatReply{CancelRequested: canceled, Leased: g.pending(ctx, token)}, nil
}

// pending says whether the attempt of a token is noted to be completed from outside.
func (g *Gateway) pending(ctx context.Context, token *history.TaskToken) bool {
	data, _, err := g.ns.GetBeat(ctx, token.Run.Run, token.Event)
	if err != nil {
		return false
	}
	beat, err := history.DecodeBeat(data)
	return err == nil && beat.Pending && beat.Attempt == token.Attempt
}
