package weather

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Card describes one trained model: what it is, what it was trained on and how good it is. It is a function of the data
// and the code only. Who made it, when, and at which attempt is in the run's history, not here.
type Card struct {
	Model      CardModel      `json:"model"`
	Data       CardData       `json:"data"`
	Evaluation CardEvaluation `json:"evaluation"`
}

// CardModel is the part of a card about the model itself.
type CardModel struct {
	Kind         string  `json:"kind"`
	SHA256       string  `json:"sha256"`
	Features     int     `json:"features"`
	Updates      int     `json:"updates"`
	LearningRate float64 `json:"learning_rate"`
	WeightDecay  float64 `json:"weight_decay"`
	Passes       int     `json:"passes_per_day"`
	TrainingDays int     `json:"training_window_days"`
	WindowDays   int     `json:"feature_window_days"`
}

// CardData is the part of a card about the data.
type CardData struct {
	// File and FileSHA256 name the whole file; RowsSHA256 covers the rows that this day's training and evaluation read.
	File       string `json:"file"`
	FileSHA256 string `json:"file_sha256"`
	RowsSHA256 string `json:"rows_sha256"`
	// FirstDay and LastDay bound the days that the model has seen, Samples counts them.
	FirstDay Date `json:"trained_from"`
	LastDay  Date `json:"trained_to"`
	Samples  int  `json:"samples"`
}

// CardEvaluation is the part of a card about the days after training. Rates are nil when there is nothing to divide by.
type CardEvaluation struct {
	Days                int         `json:"days"`
	Correct             int         `json:"correct"`
	Accuracy            *float64    `json:"accuracy"`
	Majority            Class       `json:"majority_class"`
	MajorityCorrect     int         `json:"majority_correct"`
	MajorityAccuracy    *float64    `json:"majority_accuracy"`
	PersistenceCorrect  int         `json:"persistence_correct"`
	PersistenceAccuracy *float64    `json:"persistence_accuracy"`
	Verdict             string      `json:"verdict"`
	Classes             []CardClass `json:"classes"`
}

// CardClass is one class's line on a card.
type CardClass struct {
	Class     Class    `json:"class"`
	Trained   int      `json:"trained_days"`
	Evaluated int      `json:"evaluated_days"`
	Correct   int      `json:"correct"`
	Recall    *float64 `json:"recall"`
}

// Provenance names the data behind a card: the file with its digest, and the rows that were read.
type Provenance struct {
	File       string `json:"file"`
	FileSHA256 string `json:"file_sha256"`
	RowsSHA256 string `json:"rows_sha256"`
}

// ProvenanceOf returns the provenance of the card of date. file is the name of the file that ds was parsed from.
func ProvenanceOf(ds Dataset, file string, date Date) Provenance {
	rows := ds.Between(date-TrainingDays-WindowDays+1, date+EvaluationDays)
	return Provenance{File: file, FileSHA256: ds.SHA256, RowsSHA256: digestRows(rows)}
}

// NewCard puts together the card of a model. It fails when evaluation and baselines are not of the same days.
func NewCard(m Model, e Evaluation, b Baselines, p Provenance) (Card, error) {
	if e.Days() != b.Days {
		return Card{}, fmt.Errorf("card of %s: model evaluated on %d days, baselines on %d: %w", m.LastDay, e.Days(), b.Days, ErrWindow)
	}
	digest, err := m.Digest()
	if err != nil {
		return Card{}, err
	}
	card := Card{
		Model: CardModel{
			Kind: "multinomial logistic regression, one-day forecast", SHA256: digest, Features: FeatureCount, Updates: m.Updates,
			LearningRate: LearningRate, WeightDecay: WeightDecay, Passes: Passes, TrainingDays: TrainingDays, WindowDays: WindowDays,
		},
		Data: CardData{
			File: p.File, FileSHA256: p.FileSHA256, RowsSHA256: p.RowsSHA256,
			FirstDay: m.FirstDay, LastDay: m.LastDay, Samples: m.Days(),
		},
		Evaluation: CardEvaluation{
			Days: b.Days, Correct: e.Correct(), Accuracy: rate(e.Correct(), b.Days),
			Majority: b.Majority, MajorityCorrect: b.MajorityCorrect, MajorityAccuracy: rate(b.MajorityCorrect, b.Days),
			PersistenceCorrect: b.PersistenceCorrect, PersistenceAccuracy: rate(b.PersistenceCorrect, b.Days),
			Verdict: verdict(e.Correct(), b),
		},
	}
	for _, c := range Classes() {
		days, correct := e.DaysOf(c), e.Confusion[c][c]
		card.Evaluation.Classes = append(card.Evaluation.Classes,
			CardClass{Class: c, Trained: m.DaysSeen[c], Evaluated: days, Correct: correct, Recall: rate(correct, days)})
	}
	return card, nil
}

// rate returns the quotient in ten-thousandths, nil for a division by zero.
func rate(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	v := float64((part*20000+whole)/(2*whole)) / 10000
	return &v
}

func verdict(correct int, b Baselines) string {
	switch {
	case b.Days == 0:
		return "no day to evaluate on"
	case correct > b.MajorityCorrect:
		return "the model beats the majority class"
	case correct < b.MajorityCorrect:
		return "the majority class beats the model"
	}
	return "the model equals the majority class"
}

// JSON returns the card as indented JSON with a final newline. Equal cards have equal bytes.
func (c Card) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode card of %s: %w", c.Data.LastDay, err)
	}
	return append(b, '\n'), nil
}

// Markdown returns the card as a short page for people. Equal cards have equal bytes.
func (c Card) Markdown() []byte {
	var b bytes.Buffer
	e := c.Evaluation
	fmt.Fprintf(&b, "# Weather forecast, trained to %s\n\n", c.Data.LastDay)
	fmt.Fprintf(&b, "Forecasts a day's weather class from the %d days before it: %s.\n\n", c.Model.WindowDays, c.Model.Kind)
	fmt.Fprintf(&b, "On the %d days that follow, %s.\n\n", e.Days, e.Verdict)
	b.WriteString("| forecast | correct | accuracy |\n|---|---:|---:|\n")
	fmt.Fprintf(&b, "| model | %d of %d | %s |\n", e.Correct, e.Days, Percent(e.Accuracy))
	fmt.Fprintf(&b, "| always %s (most frequent in training) | %d of %d | %s |\n", e.Majority, e.MajorityCorrect, e.Days, Percent(e.MajorityAccuracy))
	fmt.Fprintf(&b, "| as the day before | %d of %d | %s |\n\n", e.PersistenceCorrect, e.Days, Percent(e.PersistenceAccuracy))
	b.WriteString("| class | days trained on | days evaluated | correct | recall |\n|---|---:|---:|---:|---:|\n")
	for _, l := range e.Classes {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %s |\n", l.Class, l.Trained, l.Evaluated, l.Correct, Percent(l.Recall))
	}
	fmt.Fprintf(&b, "\nTrained on %d days, %s to %s, by %d updates; each day %d passes over the trailing %d days, learning rate %s, weight decay %s.\n",
		c.Data.Samples, c.Data.FirstDay, c.Data.LastDay, c.Model.Updates, c.Model.Passes, c.Model.TrainingDays, number(c.Model.LearningRate), number(c.Model.WeightDecay))
	fmt.Fprintf(&b, "\n- data: `%s`, SHA-256 `%s`\n- rows read: SHA-256 `%s`\n- model: SHA-256 `%s`\n", c.Data.File, c.Data.FileSHA256, c.Data.RowsSHA256, c.Model.SHA256)
	return b.Bytes()
}

// Percent writes a rate as a percentage with one decimal, "-" for nil.
func Percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", *v*100)
}
