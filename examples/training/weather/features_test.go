package weather_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func TestFeaturesDoNotSeeTheDayOrTheFuture(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	day := date(t, "2014-03-10")
	before := sampleOf(t, ds, day)
	for ahead := weather.Date(0); ahead < 3; ahead++ {
		changed := load(t, changeRow(t, (day+ahead).String(), (day+ahead).String()+",55.5,-1,-9,20.1,snow"))
		after := sampleOf(t, changed, day)
		if after.Features != before.Features {
			t.Errorf("features of %s changed with the row of %s", day, day+ahead)
		}
		if ahead == 0 && after.Class == before.Class {
			t.Error("the label did not change with its row: the test changes nothing")
		}
	}
}

func TestFeaturesSeeEveryDayOfTheWindowAndNoneBefore(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	day := date(t, "2014-03-10")
	before := sampleOf(t, ds, day)
	for back := weather.Date(1); back <= weather.WindowDays+1; back++ {
		changed := load(t, changeRow(t, (day-back).String(), (day-back).String()+",55.5,-1,-9,20.1,snow"))
		seen := sampleOf(t, changed, day).Features != before.Features
		if want := back <= weather.WindowDays; seen != want {
			t.Errorf("row %d days before: features changed %v, want %v", back, seen, want)
		}
	}
}

func sampleOf(t *testing.T, ds weather.Dataset, day weather.Date) weather.Sample {
	t.Helper()
	samples, err := weather.Samples(ds.Days)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(samples, func(s weather.Sample) bool { return s.Date == day })
	if i < 0 {
		t.Fatalf("no sample of %s", day)
	}
	return samples[i]
}

func TestFeaturesFillTheVector(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	samples, err := weather.Samples(ds.Days)
	if err != nil {
		t.Fatal(err)
	}
	for i := range weather.FeatureCount {
		if !slices.ContainsFunc(samples, func(s weather.Sample) bool { return s.Features[i] != 0 }) {
			t.Errorf("feature %d is 0 on every day", i)
		}
	}
}

func TestWindowMustBeTheDaysBefore(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	day := ds.Days[weather.WindowDays].Date
	tests := map[string][]weather.Day{
		"empty":     nil,
		"too short": ds.Days[1:weather.WindowDays],
		"too late":  ds.Days[1 : weather.WindowDays+1],
		"too long":  ds.Days[:weather.WindowDays+1],
	}
	for name, window := range tests {
		if _, err := weather.FeaturesOf(window, day); !errors.Is(err, weather.ErrWindow) {
			t.Errorf("%s: error is %v, want ErrWindow", name, err)
		}
	}
	impossible := slices.Clone(ds.Days[:weather.WindowDays])
	impossible[3].Precipitation = -3
	if _, err := weather.FeaturesOf(impossible, day); !errors.Is(err, weather.ErrWindow) {
		t.Errorf("negative precipitation: error is %v, want ErrWindow", err)
	}
	if _, err := weather.FeaturesOf(ds.Days[:weather.WindowDays], day); err != nil {
		t.Errorf("right window: %v", err)
	}
}
