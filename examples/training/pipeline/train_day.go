package pipeline

import (
	"fmt"
	"time"

	temporal "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/weather"
	"github.com/millrace-dev/millrace/workflow"
)

// SignalPreviousModel is the signal that hands a waiting TrainDay the model of the day before, as a blobs.Ref.
const SignalPreviousModel = "previous-model"

// DayInput is the input of TrainDay.
type DayInput struct {
	// Range is the name of the range that the day belongs to: 1 to 40 of a-z, 0-9 and -.
	Range string       `json:"range"`
	Date  weather.Date `json:"date"`
	// Previous is the model of the day before, empty on the first day of a range.
	Previous blobs.Ref `json:"previous,omitempty"`
	// AwaitPrevious says that Previous is not known yet and will come as SignalPreviousModel.
	AwaitPrevious bool `json:"await_previous,omitempty"`
}

// Summary is what a trained day comes to.
type Summary struct {
	Date  weather.Date `json:"date"`
	Model blobs.Ref    `json:"model"`
	// Samples counts the days trained on, Evaluated the days judged on, Correct and MajorityCorrect those of them that
	// the model and the majority class forecast.
	Samples         int `json:"samples"`
	Evaluated       int `json:"evaluated"`
	Correct         int `json:"correct"`
	MajorityCorrect int `json:"majority_correct"`
}

// DayID returns the workflow ID of a day's training.
func DayID(name string, date weather.Date) string { return fmt.Sprintf("train-%s-%s", name, date) }

// TrainDay trains, evaluates and publishes the model of one day.
func TrainDay(ctx workflow.Context, in DayInput) (Summary, error) {
	if err := checkRange(in.Range); err != nil {
		return Summary{}, classify(err)
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         retryPolicy(),
	})
	loaded, features, err := prepare(ctx, in.Date)
	if err != nil {
		return Summary{}, fmt.Errorf("prepare %s: %w", in.Date, err)
	}
	previous := in.Previous
	if in.AwaitPrevious {
		if previous, err = awaitModel(ctx); err != nil {
			return Summary{}, fmt.Errorf("await the model before %s: %w", in.Date, err)
		}
	}
	var a *Activities
	trainCtx := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    10 * time.Second,
		RetryPolicy:         retryPolicy(),
	})
	var trained Trained
	if err := workflow.ExecuteActivity(trainCtx, a.Train, TrainInput{Samples: features.Training, Previous: previous}).Get(ctx, &trained); err != nil {
		return Summary{}, fmt.Errorf("train %s: %w", in.Date, err)
	}
	publish := PublishInput{Range: in.Range, Model: trained.Model, Provenance: loaded.Provenance}
	evaluating := workflow.ExecuteActivity(ctx, a.Evaluate, EvaluateInput{Model: trained.Model, Samples: features.Ahead})
	comparing := workflow.ExecuteActivity(ctx, a.CompareBaselines, BaselineInput{Date: in.Date, Majority: trained.Majority, Ahead: loaded.Ahead})
	if err := evaluating.Get(ctx, &publish.Evaluation); err != nil {
		return Summary{}, fmt.Errorf("evaluate %s: %w", in.Date, err)
	}
	if err := comparing.Get(ctx, &publish.Baselines); err != nil {
		return Summary{}, fmt.Errorf("compare baselines after %s: %w", in.Date, err)
	}
	var summary Summary
	if err := workflow.ExecuteActivity(ctx, a.PublishCard, publish).Get(ctx, &summary); err != nil {
		return Summary{}, fmt.Errorf("publish card of %s: %w", in.Date, err)
	}
	return summary, nil
}

// prepare does what needs no model: features are built while the rows are validated, and count only if they are valid.
func prepare(ctx workflow.Context, date weather.Date) (Loaded, Features, error) {
	var a *Activities
	var loaded Loaded
	if err := workflow.ExecuteActivity(ctx, a.LoadSample, date).Get(ctx, &loaded); err != nil {
		return Loaded{}, Features{}, err
	}
	validating := workflow.ExecuteActivity(ctx, a.Validate, loaded)
	building := workflow.ExecuteActivity(ctx, a.BuildFeatures, loaded)
	if err := validating.Get(ctx, nil); err != nil {
		return Loaded{}, Features{}, err
	}
	var features Features
	if err := building.Get(ctx, &features); err != nil {
		return Loaded{}, Features{}, err
	}
	return loaded, features, nil
}

// awaitModel waits for the signal or for the cancellation of the run.
func awaitModel(ctx workflow.Context) (blobs.Ref, error) {
	var ref blobs.Ref
	var err error
	workflow.NewSelector(ctx).
		AddReceive(workflow.GetSignalChannel(ctx, SignalPreviousModel), func(c workflow.ReceiveChannel, _ bool) {
			c.Receive(ctx, &ref)
		}).
		AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { err = ctx.Err() }).
		Select(ctx)
	return ref, err
}

// retryPolicy retries until the day is trained: what cannot succeed is marked non-retryable where it is found.
func retryPolicy() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    100 * time.Millisecond,
		BackoffCoefficient: 2,
		MaximumInterval:    5 * time.Second,
	}
}
