package gateway

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
)

// acceptTime is how long a worker that was handed a task may say nothing at first. One that says nothing has not received
// it: its request had been given up. The task then goes to another without using an attempt.
const acceptTime = 5 * time.Second

// lease is the worker.RemoteWorker behind a seat: first somebody who waits, then a task that somebody has.
type lease struct {
	seat *seat
	id   uuid.UUID

	mu sync.Mutex // guards the rest
	// outcomes is nil until there is a task.
	outcomes chan worker.RemoteOutcome
	task     worker.RemoteTask
	// over says that no outcome is taken any more, released that the engagement has ended.
	over, released     bool
	accepted, canceled bool
	silence            *time.Timer
}

// Identity is documented at worker.RemoteWorker, as are Perform, Cancel and Release.
func (l *lease) Identity() string { return l.seat.identity }

func (l *lease) Perform(t worker.RemoteTask) <-chan worker.RemoteOutcome {
	d := l.seat.desk.desks
	outcomes := make(chan worker.RemoteOutcome, 1)
	reply, err := l.reply(t)
	if err != nil {
		outcomes <- worker.RemoteOutcome{Failure: &failure.Failure{Message: err.Error(), Source: "millrace",
			ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "TooLargeForGateway", NonRetryable: true}}}
		return outcomes
	}
	l.mu.Lock()
	l.outcomes, l.task = outcomes, t
	l.silence = time.AfterFunc(acceptTime, l.fallSilent)
	l.mu.Unlock()
	d.mu.Lock()
	d.leases[l.id] = l
	d.mu.Unlock()
	l.seat.answer(reply, nil)
	return outcomes
}

// reply is the task on the wire, with the token that stands for the lease.
func (l *lease) reply(t worker.RemoteTask) (*gatewire.PollReply, error) {
	d := l.seat.desk.desks
	l.id = uuid.New()
	token, err := d.gateway.sealer.Seal(gatewire.LeaseID{Gateway: d.id, Lease: l.id}, &history.TaskToken{
		Namespace: d.gateway.ns.Name(), Run: t.Task.Run, Event: t.Task.Event, Attempt: t.Attempt, Queue: t.Task.Queue,
		ActivityID: t.Task.ActivityID, Type: t.Task.Type, Build: t.Task.Build, Class: t.Task.Priority.Class(), Bucket: t.Task.Priority.Bucket(),
		Generation: t.Task.Generation,
	})
	if err != nil {
		return nil, err
	}
	r := gatewire.PollReplyOf(t.Task, t.Attempt)
	r.Token, r.HeartbeatDetails, r.LeaseMillis = token, t.Details, l.seat.lease.Milliseconds()
	data, err := json.Marshal(r)
	if err == nil && len(data) > gatewire.MaxBody {
		err = fmt.Errorf("task of activity %s has %d bytes, the limit of a gateway is %d", t.Task.Type, len(data), gatewire.MaxBody)
	}
	return r, err
}

func (l *lease) Cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.canceled = true
}

func (l *lease) Release() {
	l.mu.Lock()
	if l.released {
		l.mu.Unlock()
		return
	}
	unused := l.outcomes == nil
	l.over, l.released = true, true
	if l.silence != nil {
		l.silence.Stop()
	}
	l.mu.Unlock()
	d := l.seat.desk.desks
	d.mu.Lock()
	delete(d.leases, l.id)
	d.mu.Unlock()
	l.seat.desk.endEngagement(l.seat, unused)
}

// fallSilent ends the lease of a worker that has said nothing for too long.
func (l *lease) fallSilent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		l.outcomes <- worker.RemoteOutcome{Lost: l.accepted, HandedBack: !l.accepted}
	}
}

// finish takes the outcome. It returns false when the lease is over.
func (l *lease) finish(o worker.RemoteOutcome) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.over = true
	l.silence.Stop()
	l.outcomes <- o
	return true
}

// beat takes a sign of life. leased is false when the lease is over.
func (l *lease) beat(isBeat bool, details *common.Payloads) (canceled, leased bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return l.canceled, false
	}
	l.accepted = true
	l.silence.Reset(l.seat.lease)
	if isBeat || details != nil {
		l.task.Beat(details)
	}
	return l.canceled, true
}
