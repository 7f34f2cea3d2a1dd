package pipeline

import (
	"fmt"

	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/weather"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	// DefaultAhead is how many days of a backfill are open at once unless BackfillInput.Ahead says otherwise.
	DefaultAhead = 4
	// MaxBackfillDays bounds a range, because all its days stand in one history.
	MaxBackfillDays = 366

	// QueryProgress is the query that a Backfill answers with its Progress.
	QueryProgress = "progress"
)

// BackfillInput is the input of Backfill.
type BackfillInput struct {
	// Range is the name of the range: 1 to 40 of a-z, 0-9 and -.
	Range string       `json:"range"`
	First weather.Date `json:"first"`
	// Days is the length of the range, 1 to MaxBackfillDays.
	Days int `json:"days"`
	// Ahead is how many days are open at once: the one in training and those that are prepared meanwhile. 0 means
	// DefaultAhead.
	Ahead int `json:"ahead,omitempty"`
}

// BackfillResult is what a backfill comes to, day by day.
type BackfillResult struct {
	Days []Summary `json:"days"`
}

// Progress is a Backfill's answer to QueryProgress.
type Progress struct {
	Trained int `json:"trained"`
	Started int `json:"started"`
	Days    int `json:"days"`
}

// BackfillID returns the workflow ID of a range's backfill.
func BackfillID(name string) string { return "backfill-" + name }

// Backfill trains a range of days in order. Every day is a TrainDay child; the children of the next Ahead days are
// already open and prepare their data, and each trains when it is handed the model of the day before.
func Backfill(ctx workflow.Context, in BackfillInput) (BackfillResult, error) {
	if err := in.check(); err != nil {
		return BackfillResult{}, classify(err)
	}
	ahead := in.Ahead
	if ahead == 0 {
		ahead = DefaultAhead
	}
	var result BackfillResult
	var children []workflow.ChildWorkflowFuture
	err := workflow.SetQueryHandler(ctx, QueryProgress, func() (Progress, error) {
		return Progress{Trained: len(result.Days), Started: len(children), Days: in.Days}, nil
	})
	if err != nil {
		return BackfillResult{}, fmt.Errorf("backfill %s: %w", in.Range, err)
	}
	var previous blobs.Ref
	for day := range in.Days {
		date := in.First + weather.Date(day)
		for len(children) < min(in.Days, day+ahead) {
			children = append(children, startDay(ctx, in, len(children)))
		}
		if day > 0 {
			if err := children[day].SignalChildWorkflow(ctx, SignalPreviousModel, previous).Get(ctx, nil); err != nil {
				return BackfillResult{}, fmt.Errorf("hand the model to %s: %w", DayID(in.Range, date), err)
			}
		}
		var summary Summary
		if err := children[day].Get(ctx, &summary); err != nil {
			return BackfillResult{}, fmt.Errorf("backfill %s: %s: %w", in.Range, date, err)
		}
		result.Days = append(result.Days, summary)
		previous = summary.Model
	}
	return result, nil
}

func startDay(ctx workflow.Context, in BackfillInput, day int) workflow.ChildWorkflowFuture {
	date := in.First + weather.Date(day)
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: DayID(in.Range, date)})
	return workflow.ExecuteChildWorkflow(ctx, TrainDay, DayInput{Range: in.Range, Date: date, AwaitPrevious: day > 0})
}

func (in BackfillInput) check() error {
	if err := checkRange(in.Range); err != nil {
		return err
	}
	if in.Days < 1 || in.Days > MaxBackfillDays {
		return fmt.Errorf("backfill %s: days %d: want 1 to %d: %w", in.Range, in.Days, MaxBackfillDays, ErrInput)
	}
	if in.Ahead < 0 || in.Ahead > MaxBackfillDays {
		return fmt.Errorf("backfill %s: ahead %d: want 0 to %d: %w", in.Range, in.Ahead, MaxBackfillDays, ErrInput)
	}
	return nil
}
