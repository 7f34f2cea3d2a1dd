package activity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/log"
)

// attempt is an environment for tests: an attempt that remembers its heartbeats.
type attempt struct {
	info     activity.Info
	before   *common.Payloads
	beats    [][]interface{}
	stopping chan struct{}
}

func (a *attempt) Info() activity.Info             { return a.info }
func (a *attempt) Heartbeat(details []interface{}) { a.beats = append(a.beats, details) }
func (a *attempt) HeartbeatDetails() converter.EncodedValues {
	return converter.NewEncodedValues(a.before, nil)
}
func (a *attempt) Logger() log.Logger              { return log.Discard{} }
func (a *attempt) Client() client.Client           { return nil }
func (a *attempt) Metrics() client.MetricsHandler  { return client.MetricsNopHandler }
func (a *attempt) WorkerStopping() <-chan struct{} { return a.stopping }

func TestCodeFindsItsAttempt(t *testing.T) {
	before, err := converter.GetDefaultDataConverter().ToPayloads("page", 7)
	if err != nil {
		t.Fatal(err)
	}
	a := &attempt{info: activity.Info{ActivityID: "3", Attempt: 2}, before: before, stopping: make(chan struct{})}
	ctx, cancel := context.WithCancel(activity.NewContext(context.Background(), a))
	defer cancel() // code asks with contexts that it has made from its own
	if !activity.IsActivity(ctx) || activity.GetInfo(ctx).Attempt != 2 || activity.GetInfo(ctx).ActivityID != "3" {
		t.Errorf("info is %+v", activity.GetInfo(ctx))
	}
	var unit string
	var number int
	if err := activity.GetHeartbeatDetails(ctx, &unit, &number); err != nil || unit != "page" || number != 7 || !activity.HasHeartbeatDetails(ctx) {
		t.Errorf("details are %q %d, %v", unit, number, err)
	}
	activity.RecordHeartbeat(ctx)
	activity.RecordHeartbeat(ctx, "page", 8)
	if len(a.beats) != 2 || len(a.beats[0]) != 0 || len(a.beats[1]) != 2 {
		t.Errorf("heartbeats are %v", a.beats)
	}
	if activity.GetWorkerStopChannel(ctx) != (<-chan struct{})(a.stopping) {
		t.Error("another channel")
	}
}

func TestFirstAttemptHasNoDetails(t *testing.T) {
	ctx := activity.NewContext(context.Background(), &attempt{})
	if activity.HasHeartbeatDetails(ctx) {
		t.Error("details without a heartbeat")
	}
	n := 1
	if err := activity.GetHeartbeatDetails(ctx, &n); !errors.Is(err, millrace.ErrNoData) || n != 1 {
		t.Errorf("details: %d, %v", n, err)
	}
}

func TestOutsideAnActivity(t *testing.T) {
	ctx := context.Background()
	if activity.IsActivity(ctx) {
		t.Error("an ordinary context is taken for an activity's")
	}
	calls := map[string]func(){
		"GetInfo":              func() { activity.GetInfo(ctx) },
		"GetClient":            func() { activity.GetClient(ctx) },
		"GetMetricsHandler":    func() { activity.GetMetricsHandler(ctx) },
		"GetLogger":            func() { activity.GetLogger(ctx) },
		"RecordHeartbeat":      func() { activity.RecordHeartbeat(ctx, 1) },
		"HasHeartbeatDetails":  func() { activity.HasHeartbeatDetails(ctx) },
		"GetHeartbeatDetails":  func() { _ = activity.GetHeartbeatDetails(ctx) },
		"GetWorkerStopChannel": func() { activity.GetWorkerStopChannel(ctx) },
	}
	for name, call := range calls {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "activity."+name) {
					t.Errorf("%s panics with %q", name, p)
				}
			}()
			call()
		}()
	}
}
