package weather

import (
	"fmt"
	"math"
)

// WindowDays is how many days before a day its features look at.
const WindowDays = 7

// FeatureCount is the length of a feature vector.
const FeatureCount = 24

// Features is what is known of a day the evening before. Entries are scaled by constants to the order of 1.
type Features [FeatureCount]float64

// Sample is one day as the classifier sees it.
type Sample struct {
	// Date is the day that is forecast.
	Date Date `json:"date"`
	// Features come from the days before Date only.
	Features Features `json:"features"`
	// Class is the day's own class: the label, never an input.
	Class Class `json:"class"`
}

// FeaturesOf builds the features of date from the WindowDays days before it, oldest first. It does not see the day
// itself. The error wraps ErrWindow when the window is not exactly those days, or holds a measurement that Validate would
// have refused and that has no finite feature.
func FeaturesOf(window []Day, date Date) (Features, error) {
	if len(window) != WindowDays {
		return Features{}, fmt.Errorf("features of %s: %d days, want %d: %w", date, len(window), WindowDays, ErrWindow)
	}
	for i, d := range window {
		if want := date - WindowDays + Date(i); d.Date != want {
			return Features{}, fmt.Errorf("features of %s: day %d of the window is %s, want %s: %w", date, i+1, d.Date, want, ErrWindow)
		}
	}
	var f Features
	n := 0
	add := func(values ...float64) { n += copy(f[n:], values) }

	last, before := window[WindowDays-1], window[WindowDays-2]
	add(1)
	add(scaled(last)...)
	add(scaled(before)...)
	means, wet := trailing(window)
	add(means...)
	add(wet, (last.TempMax-last.TempMin)/10)
	for _, c := range Classes() {
		add(indicator(last.Class == c))
	}
	year := 2 * math.Pi * float64(date.YearDay()) / 365.25
	add(math.Sin(year), math.Cos(year), math.Sin(2*year), math.Cos(2*year))
	for i, v := range f {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Features{}, fmt.Errorf("features of %s: feature %d is %g, want a finite number: %w", date, i, v, ErrWindow)
		}
	}
	return f, nil
}

// scaled returns a day's measurements by fixed scales: a fitted scaler would be one more thing that can leak.
func scaled(d Day) []float64 {
	return []float64{math.Log1p(d.Precipitation) / 3, (d.TempMax - 15) / 10, (d.TempMin - 8) / 10, d.Wind / 5}
}

// trailing returns the means of the scaled measurements and the share of wet days.
func trailing(window []Day) (means []float64, wet float64) {
	means = make([]float64, 4)
	for _, d := range window {
		for i, v := range scaled(d) {
			means[i] += v
		}
		wet += indicator(d.Precipitation > 0)
	}
	for i := range means {
		means[i] /= WindowDays
	}
	return means, wet / WindowDays
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Samples builds the sample of every day that has a full window before it: of all but the first WindowDays days.
// The error wraps ErrWindow when the days do not follow one another.
func Samples(days []Day) ([]Sample, error) {
	if len(days) <= WindowDays {
		return nil, fmt.Errorf("build samples: %d days, want more than %d: %w", len(days), WindowDays, ErrWindow)
	}
	samples := make([]Sample, 0, len(days)-WindowDays)
	for i := WindowDays; i < len(days); i++ {
		f, err := FeaturesOf(days[i-WindowDays:i], days[i].Date)
		if err != nil {
			return nil, err
		}
		samples = append(samples, Sample{Date: days[i].Date, Features: f, Class: days[i].Class})
	}
	return samples, nil
}
