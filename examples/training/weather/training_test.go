package weather_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func trainingSamples(t *testing.T, ds weather.Dataset, day weather.Date) []weather.Sample {
	t.Helper()
	samples, err := weather.Samples(ds.TrainingRows(day))
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

func TestTrainingReadsTheTrailingYear(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	day := date(t, "2014-03-10")
	samples := trainingSamples(t, ds, day)
	if len(samples) != weather.TrainingDays || samples[len(samples)-1].Date != day {
		t.Fatalf("%d samples to %s, want %d to %s", len(samples), samples[len(samples)-1].Date, weather.TrainingDays, day)
	}
	m, err := weather.Train(weather.Model{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	if m.Days() != weather.TrainingDays || m.FirstDay != samples[0].Date || m.LastDay != day {
		t.Errorf("model accounts for %d days from %s to %s", m.Days(), m.FirstDay, m.LastDay)
	}
	next, err := weather.Train(m, trainingSamples(t, ds, day+1))
	if err != nil {
		t.Fatal(err)
	}
	if next.Days() != m.Days()+1 || next.FirstDay != m.FirstDay || next.LastDay != day+1 {
		t.Errorf("the next day's model accounts for %d days from %s to %s", next.Days(), next.FirstDay, next.LastDay)
	}
}

func TestTrainingResumedFromAnyCheckpointGivesTheSameBytes(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	samples := trainingSamples(t, ds, date(t, "2014-03-10"))
	whole, err := weather.Train(weather.Model{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	want, err := whole.Encode()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := weather.Begin(weather.Model{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	for !tr.Done() {
		checkpoint, err := json.Marshal(tr)
		if err != nil {
			t.Fatal(err)
		}
		tr = weather.Training{}
		if err := json.Unmarshal(checkpoint, &tr); err != nil {
			t.Fatal(err)
		}
		tr = tr.Step(samples)
	}
	got, err := tr.Model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("training through checkpoints ends with another model")
	}
}

func TestTrainingRefusesAnotherDaysModel(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	day := date(t, "2014-03-10")
	m, err := weather.Train(weather.Model{}, trainingSamples(t, ds, day))
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []weather.Date{day, day + 2} {
		if _, err := weather.Begin(m, trainingSamples(t, ds, next)); !errors.Is(err, weather.ErrOutOfOrder) {
			t.Errorf("training of %s on the model of %s: error is %v, want ErrOutOfOrder", next, day, err)
		}
	}
	if _, err := weather.Begin(weather.Model{}, trainingSamples(t, ds, day)[:weather.MinTrainingDays-1]); !errors.Is(err, weather.ErrWindow) {
		t.Errorf("too few samples: error is %v, want ErrWindow", err)
	}
}

func TestUpdateLearnsAndLeavesItsArgumentAlone(t *testing.T) {
	var m weather.Model
	s := weather.Sample{Class: weather.Sun}
	s.Features[0] = 1
	next := weather.Update(m, s)
	if m != (weather.Model{}) {
		t.Error("Update changed its argument")
	}
	before, after := m.Probabilities(s.Features), next.Probabilities(s.Features)
	if before[weather.Sun] != 0.2 {
		t.Errorf("an untrained model gives %v, want 0.2", before[weather.Sun])
	}
	if after[weather.Sun] <= before[weather.Sun] || next.Predict(s.Features) != weather.Sun {
		t.Errorf("probability of the label went from %v to %v", before[weather.Sun], after[weather.Sun])
	}
}

// A model that has learnt something must fit the days it was trained on better than the most frequent class does.
func TestTrainedModelBeatsMajorityOnItsTrainingDays(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	samples := trainingSamples(t, ds, date(t, "2014-03-10"))
	m, err := weather.Train(weather.Model{}, samples)
	if err != nil {
		t.Fatal(err)
	}
	fit, majority := weather.Evaluate(m, samples).Correct(), m.DaysSeen[m.Majority()]
	if fit <= majority {
		t.Errorf("model is right on %d of its %d training days, the majority class on %d", fit, len(samples), majority)
	}
}

func TestDecodeModelRefusesWhatEncodeDidNotWrite(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	m, err := weather.Train(weather.Model{}, trainingSamples(t, ds, date(t, "2014-03-10")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := weather.DecodeModel(b); err != nil || got != m {
		t.Fatalf("round trip: %v, equal %v", err, got == m)
	}
	for name, bad := range map[string][]byte{
		"empty":       nil,
		"cut":         b[:len(b)/2],
		"other shape": []byte(`{"weights":[[1,2]],"days_seen":[1],"first_day":"2014-01-01","last_day":"2014-01-02","updates":1}`),
		"two models":  append(bytes.Clone(b), b...),
	} {
		if _, err := weather.DecodeModel(bad); !errors.Is(err, weather.ErrModel) {
			t.Errorf("%s: error is %v, want ErrModel", name, err)
		}
	}
}
