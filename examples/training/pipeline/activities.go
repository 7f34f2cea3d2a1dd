package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/examples/training/blobs"
	"github.com/millrace-dev/millrace/examples/training/journal"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

// Config says what the activities work on.
type Config struct {
	// CSV is the content of the data file, File the name by which cards cite it.
	CSV  string
	File string
	// Blobs keeps rows, samples and models. All workers must share it.
	Blobs blobs.Store
	// Cards is the directory under which cards are published, as <range>/<date>.json and .md.
	Cards string
	// Pace is time that every activity, and every pass of training, additionally takes, so that a demo has something
	// to interrupt. It changes no result. The default is none.
	Pace time.Duration
	// Journal, unless nil, records every execution.
	Journal *journal.Writer
}

// Activities are the steps of TrainDay. Create them with NewActivities; they are safe for concurrent use.
type Activities struct {
	cfg Config
}

// NewActivities returns the activities for cfg.
func NewActivities(cfg Config) *Activities { return &Activities{cfg: cfg} }

// Loaded refers to the rows of one day.
type Loaded struct {
	Date weather.Date `json:"date"`
	// Rows are the day, the days that training looks back to, and their first window; Ahead are the days that the
	// model will be judged on, and their first window.
	Rows       blobs.Ref          `json:"rows"`
	Ahead      blobs.Ref          `json:"ahead"`
	Provenance weather.Provenance `json:"provenance"`
}

// LoadSample reads the rows that the training of date needs from the data file.
func (a *Activities) LoadSample(ctx context.Context, date weather.Date) (Loaded, error) {
	return execute(ctx, a, func() (Loaded, error) {
		ds, err := weather.Parse(strings.NewReader(a.cfg.CSV))
		if err != nil {
			return Loaded{}, err
		}
		rows := ds.TrainingRows(date)
		if len(rows) == 0 || rows[len(rows)-1].Date != date {
			return Loaded{}, fmt.Errorf("load %s: %s has no such day: %w", date, a.cfg.File, weather.ErrWindow)
		}
		loaded := Loaded{Date: date, Provenance: weather.ProvenanceOf(ds, a.cfg.File, date)}
		if loaded.Rows, err = a.cfg.Blobs.PutJSON(rows); err != nil {
			return Loaded{}, err
		}
		loaded.Ahead, err = a.cfg.Blobs.PutJSON(ds.EvaluationRows(date))
		return loaded, err
	})
}

// Validate checks every loaded row and returns how many there are.
func (a *Activities) Validate(ctx context.Context, in Loaded) (int, error) {
	return execute(ctx, a, func() (int, error) {
		n := 0
		for _, ref := range []blobs.Ref{in.Rows, in.Ahead} {
			var rows []weather.Day
			if err := a.cfg.Blobs.GetJSON(ref, &rows); err != nil {
				return 0, err
			}
			if err := weather.Validate(rows); err != nil {
				return 0, err
			}
			n += len(rows)
		}
		return n, nil
	})
}

// Features refers to the samples of one day's training and of its evaluation.
type Features struct {
	Training blobs.Ref `json:"training"`
	Ahead    blobs.Ref `json:"ahead"`
}

// BuildFeatures turns the loaded rows into samples.
func (a *Activities) BuildFeatures(ctx context.Context, in Loaded) (Features, error) {
	return execute(ctx, a, func() (Features, error) {
		var rows, ahead []weather.Day
		if err := errors.Join(a.cfg.Blobs.GetJSON(in.Rows, &rows), a.cfg.Blobs.GetJSON(in.Ahead, &ahead)); err != nil {
			return Features{}, err
		}
		training, err := weather.Samples(rows)
		if err != nil {
			return Features{}, err
		}
		judged, err := weather.EvaluationSamples(ahead, in.Date)
		if err != nil {
			return Features{}, err
		}
		var f Features
		if f.Training, err = a.cfg.Blobs.PutJSON(training); err != nil {
			return Features{}, err
		}
		f.Ahead, err = a.cfg.Blobs.PutJSON(judged)
		return f, err
	})
}

// TrainInput says what to train on.
type TrainInput struct {
	Samples blobs.Ref `json:"samples"`
	// Previous is the model of the day before, empty on the first day of a range.
	Previous blobs.Ref `json:"previous,omitempty"`
}

// Trained refers to a trained model and says what its training saw most often.
type Trained struct {
	Model    blobs.Ref     `json:"model"`
	Majority weather.Class `json:"majority"`
}

// Train continues the previous model. After every pass it sends a checkpoint as heartbeat details; an attempt that finds
// one goes on from there and ends with the same model.
func (a *Activities) Train(ctx context.Context, in TrainInput) (Trained, error) {
	return execute(ctx, a, func() (Trained, error) {
		var samples []weather.Sample
		if err := a.cfg.Blobs.GetJSON(in.Samples, &samples); err != nil {
			return Trained{}, err
		}
		previous, err := a.model(in.Previous)
		if err != nil {
			return Trained{}, err
		}
		training, err := weather.Begin(previous, samples)
		if err != nil {
			return Trained{}, err
		}
		if activity.HasHeartbeatDetails(ctx) {
			if err := activity.GetHeartbeatDetails(ctx, &training); err != nil {
				return Trained{}, fmt.Errorf("train %s: read checkpoint: %w", training.Model.LastDay, err)
			}
		}
		for !training.Done() {
			if err := a.pause(ctx); err != nil {
				return Trained{}, fmt.Errorf("train %s: pass %d: %w", training.Model.LastDay, training.Pass+1, err)
			}
			training = training.Step(samples)
			activity.RecordHeartbeat(ctx, training)
		}
		encoded, err := training.Model.Encode()
		if err != nil {
			return Trained{}, err
		}
		ref, err := a.cfg.Blobs.Put(encoded)
		return Trained{Model: ref, Majority: training.Model.Majority()}, err
	})
}

// EvaluateInput says which model to judge on which samples.
type EvaluateInput struct {
	Model   blobs.Ref `json:"model"`
	Samples blobs.Ref `json:"samples"`
}

// Evaluate judges a model on the days after its training.
func (a *Activities) Evaluate(ctx context.Context, in EvaluateInput) (weather.Evaluation, error) {
	return execute(ctx, a, func() (weather.Evaluation, error) {
		m, err := a.model(in.Model)
		if err != nil {
			return weather.Evaluation{}, err
		}
		var samples []weather.Sample
		if err := a.cfg.Blobs.GetJSON(in.Samples, &samples); err != nil {
			return weather.Evaluation{}, err
		}
		return weather.Evaluate(m, samples), nil
	})
}

// BaselineInput says which days to judge the baselines on.
type BaselineInput struct {
	Date     weather.Date  `json:"date"`
	Majority weather.Class `json:"majority"`
	Ahead    blobs.Ref     `json:"ahead"`
}

// CompareBaselines judges the forecasts that need no model on the days after training.
func (a *Activities) CompareBaselines(ctx context.Context, in BaselineInput) (weather.Baselines, error) {
	return execute(ctx, a, func() (weather.Baselines, error) {
		var rows []weather.Day
		if err := a.cfg.Blobs.GetJSON(in.Ahead, &rows); err != nil {
			return weather.Baselines{}, err
		}
		return weather.CompareBaselines(in.Majority, rows, in.Date), nil
	})
}

// PublishInput is what a card is made of, and the range under which it is published.
type PublishInput struct {
	Range      string             `json:"range"`
	Model      blobs.Ref          `json:"model"`
	Evaluation weather.Evaluation `json:"evaluation"`
	Baselines  weather.Baselines  `json:"baselines"`
	Provenance weather.Provenance `json:"provenance"`
}

// PublishCard writes the model's card as JSON and as a page for people. Publishing again writes the same files.
func (a *Activities) PublishCard(ctx context.Context, in PublishInput) (Summary, error) {
	return execute(ctx, a, func() (Summary, error) {
		m, err := a.model(in.Model)
		if err != nil {
			return Summary{}, err
		}
		card, err := weather.NewCard(m, in.Evaluation, in.Baselines, in.Provenance)
		if err != nil {
			return Summary{}, err
		}
		if err := PublishFiles(a.cfg.Cards, in.Range, card); err != nil {
			return Summary{}, err
		}
		e := card.Evaluation
		return Summary{Date: m.LastDay, Model: in.Model, Samples: card.Data.Samples, Evaluated: e.Days, Correct: e.Correct, MajorityCorrect: e.MajorityCorrect}, nil
	})
}

// model returns the model that ref names, the zero Model for the empty Ref.
func (a *Activities) model(ref blobs.Ref) (weather.Model, error) {
	if ref == "" {
		return weather.Model{}, nil
	}
	b, err := a.cfg.Blobs.Get(ref)
	if err != nil {
		return weather.Model{}, err
	}
	return weather.DecodeModel(b)
}

// pause lets Pace pass.
func (a *Activities) pause(ctx context.Context) error {
	if a.cfg.Pace <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(a.cfg.Pace)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// execute runs one attempt of an activity between its two lines in the journal.
func execute[T any](ctx context.Context, a *Activities, run func() (T, error)) (T, error) {
	var none T
	end := func() error { return nil }
	if a.cfg.Journal != nil {
		info := activity.GetInfo(ctx)
		var err error
		end, err = a.cfg.Journal.Begin(journal.Execution{
			Activity: info.ActivityType.Name, ActivityID: info.ActivityID, Attempt: info.Attempt,
			WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
		})
		if err != nil {
			return none, err
		}
	}
	if err := a.pause(ctx); err != nil {
		return none, errors.Join(err, end())
	}
	v, err := run()
	err = classify(err)
	if endErr := end(); endErr != nil {
		err = errors.Join(err, endErr)
	}
	if err != nil {
		return none, err
	}
	return v, nil
}
