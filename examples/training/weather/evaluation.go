package weather

import "fmt"

// EvaluationDays is how many days after the training day a model is judged on.
const EvaluationDays = 30

// Evaluation counts forecasts against what happened: Confusion[actual][forecast], in the order of Classes. The model is
// frozen; the features of each day come from the days before it, as they would in daily use.
type Evaluation struct {
	Confusion [ClassCount][ClassCount]int `json:"confusion"`
}

// Baselines counts how many of the evaluated days two forecasts without a model get right.
type Baselines struct {
	// Days is the number of evaluated days.
	Days int `json:"days"`
	// Majority is the class seen most often in training; MajorityCorrect counts the days that have it.
	Majority        Class `json:"majority_class"`
	MajorityCorrect int   `json:"majority_correct"`
	// PersistenceCorrect counts the days whose class is that of the day before.
	PersistenceCorrect int `json:"persistence_correct"`
}

// EvaluationRows returns the rows that an evaluation after date needs: the window of the first evaluated day and
// EvaluationDays days after date, fewer where the file ends earlier.
func (ds Dataset) EvaluationRows(date Date) []Day {
	return ds.Between(date+1-WindowDays, date+EvaluationDays)
}

// EvaluationSamples returns the samples of the days after date among rows, which are those of EvaluationRows. There are
// none when the file ends with date. The error wraps ErrWindow when the rows do not begin where they have to.
func EvaluationSamples(rows []Day, date Date) ([]Sample, error) {
	if len(rows) < WindowDays || rows[0].Date != date+1-WindowDays {
		return nil, fmt.Errorf("evaluate after %s: want rows from %s: %w", date, date+1-WindowDays, ErrWindow)
	}
	if len(rows) == WindowDays {
		return nil, nil
	}
	return Samples(rows)
}

// Evaluate judges the model on the samples.
func Evaluate(m Model, samples []Sample) Evaluation {
	var e Evaluation
	for _, s := range samples {
		e.Confusion[s.Class][m.Predict(s.Features)]++
	}
	return e
}

// CompareBaselines counts what the baselines get right on the evaluated days among rows, which are those of
// EvaluationRows; majority is the class seen most often in training.
func CompareBaselines(majority Class, rows []Day, date Date) Baselines {
	b := Baselines{Majority: majority}
	for i, d := range rows {
		if d.Date <= date || i == 0 {
			continue
		}
		b.Days++
		if d.Class == majority {
			b.MajorityCorrect++
		}
		if d.Class == rows[i-1].Class {
			b.PersistenceCorrect++
		}
	}
	return b
}

// Days returns the number of evaluated days.
func (e Evaluation) Days() int {
	n := 0
	for _, c := range Classes() {
		n += e.DaysOf(c)
	}
	return n
}

// Correct returns the number of days whose class was forecast.
func (e Evaluation) Correct() int {
	n := 0
	for _, c := range Classes() {
		n += e.Confusion[c][c]
	}
	return n
}

// DaysOf returns the number of evaluated days that had the class.
func (e Evaluation) DaysOf(c Class) int {
	n := 0
	for _, forecasts := range e.Confusion[c] {
		n += forecasts
	}
	return n
}
