package weather

import "fmt"

// Backfill trains a model on every day from first to last, both included, in one goroutine and without an engine, and
// returns the cards in order. The pipeline has to arrive at the same bytes whatever happens to its processes.
func Backfill(ds Dataset, file string, first, last Date) ([]Card, error) {
	var cards []Card
	var model Model
	for date := first; date <= last; date++ {
		m, card, err := trainDay(ds, file, model, date)
		if err != nil {
			return nil, fmt.Errorf("backfill %s to %s: %w", first, last, err)
		}
		model = m
		cards = append(cards, card)
	}
	return cards, nil
}

func trainDay(ds Dataset, file string, previous Model, date Date) (Model, Card, error) {
	samples, err := Samples(ds.TrainingRows(date))
	if err != nil {
		return Model{}, Card{}, err
	}
	if got := samples[len(samples)-1].Date; got != date {
		return Model{}, Card{}, fmt.Errorf("train %s: data end with %s: %w", date, got, ErrWindow)
	}
	model, err := Train(previous, samples)
	if err != nil {
		return Model{}, Card{}, err
	}
	rows := ds.EvaluationRows(date)
	ahead, err := EvaluationSamples(rows, date)
	if err != nil {
		return Model{}, Card{}, err
	}
	card, err := NewCard(model, Evaluate(model, ahead), CompareBaselines(model.Majority(), rows, date), ProvenanceOf(ds, file, date))
	return model, card, err
}
