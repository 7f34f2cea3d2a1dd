package pipeline

import (
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/weather"
	"github.com/millrace-dev/millrace/workflow"
)

// DailyInput is the input of Daily.
type DailyInput struct {
	// Range is the name under which cards are published: 1 to 40 of a-z, 0-9 and -.
	Range string       `json:"range"`
	Date  weather.Date `json:"date"`
	// Last is the last day to train; 0 means that there is none, and the run never ends.
	Last weather.Date `json:"last,omitempty"`
	// Previous is the model of the day before, empty on the first day.
	Previous blobs.Ref `json:"previous,omitempty"`
	// Interval is the time to wait before the next day; in production 24 hours. The default is none.
	Interval time.Duration `json:"interval,omitempty"`
}

// DailyID returns the workflow ID of a range's daily training.
func DailyID(name string) string { return "daily-" + name }

// Daily trains one day and continues as new for the next, so that a training that goes on for years has a history of
// one day. It returns the summary of the last day.
func Daily(ctx workflow.Context, in DailyInput) (Summary, error) {
	if err := in.check(); err != nil {
		return Summary{}, classify(err)
	}
	childCtx := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: DayID(in.Range, in.Date)})
	var summary Summary
	day := DayInput{Range: in.Range, Date: in.Date, Previous: in.Previous}
	if err := workflow.ExecuteChildWorkflow(childCtx, TrainDay, day).Get(ctx, &summary); err != nil {
		return Summary{}, fmt.Errorf("daily %s: %s: %w", in.Range, in.Date, err)
	}
	if in.Date == in.Last {
		return summary, nil
	}
	if in.Interval > 0 {
		if err := workflow.Sleep(ctx, in.Interval); err != nil {
			return Summary{}, fmt.Errorf("daily %s: wait for the day after %s: %w", in.Range, in.Date, err)
		}
	}
	in.Date, in.Previous = in.Date+1, summary.Model
	return Summary{}, workflow.NewContinueAsNewError(ctx, Daily, in)
}

func (in DailyInput) check() error {
	if err := checkRange(in.Range); err != nil {
		return err
	}
	if in.Last != 0 && in.Last < in.Date {
		return fmt.Errorf("daily %s: last day %s: want %s or later: %w", in.Range, in.Last, in.Date, ErrInput)
	}
	if in.Interval < 0 {
		return fmt.Errorf("daily %s: interval %s: want 0 or more: %w", in.Range, in.Interval, ErrInput)
	}
	return nil
}
