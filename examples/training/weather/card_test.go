package weather_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func backfill(t *testing.T, csv, first, last string) []weather.Card {
	t.Helper()
	cards, err := weather.Backfill(load(t, csv), data.FileName, date(t, first), date(t, last))
	if err != nil {
		t.Fatal(err)
	}
	return cards
}

func render(t *testing.T, c weather.Card) string {
	t.Helper()
	b, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + string(c.Markdown())
}

func TestCardsAreTheSameBytesEveryTime(t *testing.T) {
	first := backfill(t, data.SeattleWeather(), "2014-03-01", "2014-03-05")
	again := backfill(t, data.SeattleWeather(), "2014-03-01", "2014-03-05")
	if len(first) != 5 {
		t.Fatalf("%d cards, want 5", len(first))
	}
	for i := range first {
		if render(t, first[i]) != render(t, again[i]) {
			t.Errorf("card %d differs between two runs", i)
		}
		if i > 0 && render(t, first[i]) == render(t, first[i-1]) {
			t.Errorf("cards %d and %d are the same: they say nothing", i-1, i)
		}
	}
}

func TestCardChangesWhenAnyRowChanges(t *testing.T) {
	const day = "2014-03-01"
	original := backfill(t, data.SeattleWeather(), day, day)[0]
	tests := []struct {
		row         string
		model, rows bool
	}{
		{row: "2014-03-01,1.1,8.1,4.1,4.1,snow", model: true, rows: true},
		{row: "2013-06-01,1.1,8.1,4.1,4.1,snow", model: true, rows: true},
		{row: "2014-03-20,1.1,8.1,4.1,4.1,snow", rows: true},
		{row: "2015-12-31,1.1,8.1,4.1,4.1,snow"},
		{row: "2012-01-01,1.1,8.1,4.1,4.1,snow"},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			changed := backfill(t, changeRow(t, tt.row[:len(day)], tt.row), day, day)[0]
			if render(t, changed) == render(t, original) {
				t.Error("the card is the same")
			}
			if got := changed.Model.SHA256 != original.Model.SHA256; got != tt.model {
				t.Errorf("model changed: %v, want %v", got, tt.model)
			}
			if got := changed.Data.RowsSHA256 != original.Data.RowsSHA256; got != tt.rows {
				t.Errorf("digest of the rows read changed: %v, want %v", got, tt.rows)
			}
		})
	}
}

// The model of a day must not depend on a row after it; only the evaluation may.
func TestModelDoesNotSeeTheDaysItIsJudgedOn(t *testing.T) {
	const day = "2014-03-01"
	original := backfill(t, data.SeattleWeather(), day, day)[0]
	changed := backfill(t, changeRow(t, "2014-03-02", "2014-03-02,1.1,8.1,4.1,4.1,fog"), day, day)[0]
	if changed.Model.SHA256 != original.Model.SHA256 {
		t.Error("model changed with the first evaluated day")
	}
	if changed.Evaluation.Classes[weather.Fog].Evaluated != original.Evaluation.Classes[weather.Fog].Evaluated+1 {
		t.Error("evaluation did not change with the first evaluated day")
	}
}

func TestCardCountsAgree(t *testing.T) {
	c := backfill(t, data.SeattleWeather(), "2014-03-01", "2014-03-02")[1]
	e := c.Evaluation
	if e.Days != weather.EvaluationDays || c.Data.Samples != weather.TrainingDays+1 {
		t.Errorf("%d evaluated, %d trained", e.Days, c.Data.Samples)
	}
	var trained, evaluated, correct int
	for _, l := range e.Classes {
		trained, evaluated, correct = trained+l.Trained, evaluated+l.Evaluated, correct+l.Correct
		if (l.Recall == nil) != (l.Evaluated == 0) {
			t.Errorf("%s: recall %v of %d days", l.Class, l.Recall, l.Evaluated)
		}
	}
	if trained != c.Data.Samples || evaluated != e.Days || correct != e.Correct {
		t.Errorf("classes add up to %d, %d, %d; card says %d, %d, %d", trained, evaluated, correct, c.Data.Samples, e.Days, e.Correct)
	}
	if e.MajorityCorrect != e.Classes[e.Majority].Evaluated {
		t.Errorf("majority class %s is right %d times but occurs %d times", e.Majority, e.MajorityCorrect, e.Classes[e.Majority].Evaluated)
	}
}

func TestCardWhereTheDataEnd(t *testing.T) {
	cards := backfill(t, data.SeattleWeather(), "2015-12-29", "2015-12-31")
	for i, want := range []int{2, 1, 0} {
		if cards[i].Evaluation.Days != want {
			t.Errorf("%s: evaluated on %d days, want %d", cards[i].Data.LastDay, cards[i].Evaluation.Days, want)
		}
	}
	last := cards[2]
	if last.Evaluation.Accuracy != nil || !strings.Contains(string(last.Markdown()), "no day to evaluate on") {
		t.Errorf("card without evaluated days claims accuracy %v", last.Evaluation.Accuracy)
	}
	ds := load(t, data.SeattleWeather())
	if _, err := weather.Backfill(ds, data.FileName, date(t, "2015-12-31"), date(t, "2016-01-01")); !errors.Is(err, weather.ErrWindow) {
		t.Errorf("training past the data: error is %v, want ErrWindow", err)
	}
	if _, err := weather.Backfill(ds, data.FileName, date(t, "2012-01-10"), date(t, "2012-01-10")); !errors.Is(err, weather.ErrWindow) {
		t.Errorf("training before there are enough days: error is %v, want ErrWindow", err)
	}
}

func TestCardJSONRoundTrip(t *testing.T) {
	c := backfill(t, data.SeattleWeather(), "2014-03-01", "2014-03-01")[0]
	b, err := c.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var back weather.Card
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := back.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, again) {
		t.Error("a card read back writes other bytes")
	}
}
