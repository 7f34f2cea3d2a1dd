package streams

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
)

const testTimeout = 60 * time.Second

// fixture is a namespace on a server of its own.
type fixture struct {
	testing.TB
	ctx    context.Context
	server *devserver.Server
	nc     *nats.Conn
	ns     *Namespace
}

func setup(t testing.TB, partitions int) *fixture {
	t.Helper()
	server := devtest.Server(t)
	f := &fixture{TB: t, server: server, nc: devtest.Conn(t, server)}
	f.ctx = testContext(t)
	f.ns = f.create("test", CreateOptions{Partitions: partitions})
	return f
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func (f *fixture) create(name string, o CreateOptions) *Namespace {
	f.Helper()
	plan, err := PlanNamespace(f.ctx, f.nc, name, o)
	f.ok(err)
	f.ok(plan.Apply(f.ctx))
	return f.open(f.nc, name)
}

func (f *fixture) open(nc *nats.Conn, name string) *Namespace {
	f.Helper()
	ns, err := Open(f.ctx, nc, name)
	f.ok(err)
	return ns
}

// ok ends the test when err is not nil.
func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// is ends the test when err does not match target.
func (f *fixture) is(err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.Fatalf("error is %v, want %v", err, target)
	}
}

func newRun(workflowID string) history.Address {
	return history.Address{Run: history.Run{WorkflowID: workflowID, RunID: uuid.NewString()}, Queue: "orders"}
}

// transition is record number k of a run, with its bytes.
func (f *fixture) transition(run history.Run, k, previous uint64) ([]byte, RecordInfo) {
	f.Helper()
	t := &history.Transition{
		RunID: run.RunID, Number: k, CommitID: uuid.NewString(), Previous: previous, Cover: "start", Time: time.Now().UTC(),
		Events: []history.Event{history.NewEvent(int64(k)+1, &history.TimerStarted{Timeout: 1})},
	}
	data, err := history.Encode(t)
	f.ok(err)
	return data, RecordInfo{
		Number: k, CommitID: t.CommitID, Previous: previous, Type: "Order", LastEvent: int64(k) + 1,
		Status: enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String(),
	}
}

// append appends record k after the message at sequence last.
func (f *fixture) append(run history.Run, k, last uint64) uint64 {
	f.Helper()
	return f.appendTo(f.ns, run, k, last)
}

func (f *fixture) appendTo(ns *Namespace, run history.Run, k, last uint64) uint64 {
	f.Helper()
	data, info := f.transition(run, k, last)
	seq, err := ns.Append(f.ctx, run, data, info, last)
	f.ok(err)
	return seq
}

// appendAll appends records 1 to n and returns the sequence of the last.
func (f *fixture) appendAll(run history.Run, n int) (last uint64) {
	f.Helper()
	for k := range n {
		last = f.append(run, uint64(k)+1, last)
	}
	return last
}

func (f *fixture) start(run history.Address, expected uint64) (uint64, error) {
	f.Helper()
	data, err := history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Now().UTC()})
	f.ok(err)
	return f.ns.PublishStart(f.ctx, run, data, StartInfo{Type: "Order"}, expected)
}

func signal(id string) *history.Message {
	return &history.Message{ID: id, Signal: &history.Signal{Name: "go"}}
}

// pull pulls deliveries until there are n.
func (f *fixture) pull(c Consumer, n int) []*Delivery {
	f.Helper()
	var all []*Delivery
	for len(all) < n {
		ds, err := c.Pull(f.ctx, n-len(all))
		f.ok(err)
		all = append(all, ds...)
	}
	return all
}

func (f *fixture) consume(lane Lane, queue string, o ConsumeOptions) Consumer {
	f.Helper()
	c, err := f.ns.Consume(f.ctx, lane, queue, "", o)
	f.ok(err)
	f.Cleanup(func() {
		if err := c.Close(); err != nil {
			f.Errorf("close consumer: %v", err)
		}
	})
	return c
}
