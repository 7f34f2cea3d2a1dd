package weather

import "fmt"

// Training is one day's training under way. It is a value that survives JSON without loss, so that a checkpoint of it
// lets another process continue and arrive at the same bits.
type Training struct {
	// Pass is the number of finished passes.
	Pass int `json:"pass"`
	// Model is the model after those passes.
	Model Model `json:"model"`
}

// TrainingRows returns the rows that training on date needs: TrainingDays days and the window before the first of
// them, as far as the file has them.
func (ds Dataset) TrainingRows(date Date) []Day {
	return ds.Between(date-TrainingDays-WindowDays+1, date)
}

// Begin prepares the training of the day of the last sample: samples are those of the trailing window, oldest first.
// previous is the model of the day before, or the zero Model on the first day of a range. The error wraps
// ErrOutOfOrder when previous is the model of another day, ErrWindow when there are fewer than MinTrainingDays samples.
func Begin(previous Model, samples []Sample) (Training, error) {
	if len(samples) < MinTrainingDays {
		return Training{}, fmt.Errorf("begin training: %d days, want at least %d: %w", len(samples), MinTrainingDays, ErrWindow)
	}
	date := samples[len(samples)-1].Date
	if !previous.Untrained() && previous.LastDay != date-1 {
		return Training{}, fmt.Errorf("begin training of %s: previous model is of %s, want %s: %w", date, previous.LastDay, date-1, ErrOutOfOrder)
	}
	m := previous
	fresh := samples[len(samples)-1:]
	if m.Untrained() {
		fresh = samples
		m.FirstDay = samples[0].Date
	}
	for _, s := range fresh {
		m.DaysSeen[s.Class]++
	}
	m.LastDay = date
	return Training{Model: m}, nil
}

// Done says whether all passes are finished.
func (t Training) Done() bool { return t.Pass >= Passes }

// Step returns the training after one more pass over the samples, oldest first, which are those that Begin was given.
func (t Training) Step(samples []Sample) Training {
	for _, s := range samples {
		t.Model = Update(t.Model, s)
	}
	t.Pass++
	return t
}

// Train runs one day's training from beginning to end.
func Train(previous Model, samples []Sample) (Model, error) {
	t, err := Begin(previous, samples)
	if err != nil {
		return Model{}, err
	}
	for !t.Done() {
		t = t.Step(samples)
	}
	return t.Model, nil
}
