package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	temporal "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/pipeline"
	"github.com/millrace-dev/millrace/examples/training/weather"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds the work of one test.
const testTimeout = time.Minute

// fixture is a server with a worker that runs the pipeline, and a client.
type fixture struct {
	ctx    context.Context
	client client.Client
	store  blobs.Store
	cards  string
}

func setup(t *testing.T, cfg pipeline.Config) *fixture {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	s := devtest.Server(t)
	plan, err := streams.PlanNamespace(ctx, devtest.Conn(t, s), client.DefaultNamespace, streams.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := client.DialContext(ctx, client.Options{HostPort: s.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)

	dir := t.TempDir()
	f := &fixture{ctx: ctx, client: c, cards: filepath.Join(dir, "cards")}
	if f.store, err = blobs.Open(filepath.Join(dir, "blobs")); err != nil {
		t.Fatal(err)
	}
	if cfg.CSV == "" {
		cfg.CSV = data.SeattleWeather()
	}
	cfg.File, cfg.Blobs, cfg.Cards = data.FileName, f.store, f.cards
	w := worker.New(c, pipeline.TaskQueue, worker.Options{MaxHeartbeatThrottleInterval: 20 * time.Millisecond})
	pipeline.Register(w, pipeline.NewActivities(cfg))
	w.RegisterWorkflow(trainOnly)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return f
}

func (f *fixture) execute(t *testing.T, id string, fn, input any) client.WorkflowRun {
	t.Helper()
	run, err := f.client.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: pipeline.TaskQueue}, fn, input)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// checkCards compares the published cards of a range with those of a run without an engine.
func (f *fixture) checkCards(t *testing.T, name string, first weather.Date, days int) {
	t.Helper()
	cards, err := weather.Backfill(dataset(t), data.FileName, first, first+weather.Date(days)-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cards {
		want, err := c.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(f.cards, name, c.Data.LastDay.String()+".json"))
		if err != nil || string(got) != string(want) {
			t.Errorf("card of %s differs from the run without an engine: %v\n%s", c.Data.LastDay, err, got)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(f.cards, name)); err != nil || len(entries) != 2*days {
		t.Errorf("%d files, %v; want %d", len(entries), err, 2*days)
	}
}

func dataset(t *testing.T) weather.Dataset {
	t.Helper()
	ds, err := weather.Load(strings.NewReader(data.SeattleWeather()))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func firstDay(t *testing.T) weather.Date {
	t.Helper()
	date, err := weather.ParseDate("2014-03-01")
	if err != nil {
		t.Fatal(err)
	}
	return date
}

func TestBackfillTrainsEveryDayInOrder(t *testing.T) {
	f := setup(t, pipeline.Config{})
	const days = 6
	first := firstDay(t)
	var result pipeline.BackfillResult
	run := f.execute(t, pipeline.BackfillID("spring"), pipeline.Backfill, pipeline.BackfillInput{Range: "spring", First: first, Days: days, Ahead: 3})
	if err := run.Get(f.ctx, &result); err != nil {
		t.Fatal(err)
	}
	f.checkCards(t, "spring", first, days)
	if len(result.Days) != days {
		t.Fatalf("%d days in the result, want %d", len(result.Days), days)
	}
	for i, summary := range result.Days {
		date := first + weather.Date(i)
		var child pipeline.Summary
		if err := f.client.GetWorkflow(f.ctx, pipeline.DayID("spring", date), "").Get(f.ctx, &child); err != nil {
			t.Fatal(err)
		}
		if child != summary || summary.Date != date || summary.Samples != weather.TrainingDays+i {
			t.Errorf("day %d: child returned %+v, backfill says %+v", i+1, child, summary)
		}
	}
	value, err := f.client.QueryWorkflow(f.ctx, run.GetID(), "", pipeline.QueryProgress)
	if err != nil {
		t.Fatal(err)
	}
	var progress pipeline.Progress
	if err := value.Get(&progress); err != nil || progress != (pipeline.Progress{Trained: days, Started: days, Days: days}) {
		t.Errorf("progress %+v, %v", progress, err)
	}
}

func TestDailyContinuesAsNewForEveryDay(t *testing.T) {
	f := setup(t, pipeline.Config{})
	first := firstDay(t)
	firstRun := f.execute(t, pipeline.DailyID("spring"), pipeline.Daily,
		pipeline.DailyInput{Range: "spring", Date: first, Last: first + 2, Interval: 10 * time.Millisecond}).GetRunID()
	run := f.client.GetWorkflow(f.ctx, pipeline.DailyID("spring"), "")
	var last pipeline.Summary
	if err := run.Get(f.ctx, &last); err != nil {
		t.Fatal(err)
	}
	if last.Date != first+2 || last.Samples != weather.TrainingDays+2 {
		t.Errorf("last day is %+v", last)
	}
	f.checkCards(t, "spring", first, 3)
	if run.GetRunID() == firstRun {
		t.Error("the last day ran in the first run")
	}
}

func TestUnusableRowFailsTheDayAndIsNamed(t *testing.T) {
	f := setup(t, pipeline.Config{CSV: strings.Replace(data.SeattleWeather(), "2014-02-20,", "2014-02-20,-", 1)})
	run := f.execute(t, pipeline.DayID("spring", firstDay(t)), pipeline.TrainDay, pipeline.DayInput{Range: "spring", Date: firstDay(t)})
	err := run.Get(f.ctx, nil)
	if err == nil || !strings.Contains(err.Error(), `line 783: precipitation "-3": want 0 to 500 mm`) {
		t.Fatalf("error is %v, want one that names line, field, value and limit", err)
	}
	if entries, err := os.ReadDir(f.cards); err == nil {
		t.Errorf("%d cards of a day with an unusable row", len(entries))
	}
}

// trainOnly gives each attempt of Train less time than the whole training takes.
func trainOnly(ctx workflow.Context, in pipeline.TrainInput) (pipeline.Trained, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * resumePace,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2 * weather.Passes},
	})
	var a *pipeline.Activities
	var trained pipeline.Trained
	err := workflow.ExecuteActivity(ctx, a.Train, in).Get(ctx, &trained)
	return trained, err
}

const resumePace = 150 * time.Millisecond

// No attempt has time for all passes, so that the training ends only if attempts go on from the checkpoint before them.
func TestTrainingGoesOnFromTheCheckpoint(t *testing.T) {
	f := setup(t, pipeline.Config{Pace: resumePace})
	samples, err := weather.Samples(dataset(t).TrainingRows(firstDay(t)))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := f.store.PutJSON(samples)
	if err != nil {
		t.Fatal(err)
	}
	var trained pipeline.Trained
	if err := f.execute(t, "train", trainOnly, pipeline.TrainInput{Samples: ref}).Get(f.ctx, &trained); err != nil {
		t.Fatal(err)
	}
	model, err := weather.Train(weather.Model{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if string(trained.Model) != want {
		t.Errorf("model %s, want %s, that of an uninterrupted training", trained.Model, want)
	}
}
