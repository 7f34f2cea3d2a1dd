package weather

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
)

// The hyperparameters. They were fixed before any evaluation and are printed on every card.
const (
	// LearningRate is the step of one update.
	LearningRate = 0.02
	// WeightDecay is the L2 penalty applied at every update, bias included.
	WeightDecay = 0.001
	// Passes is how often one day's training goes over its window.
	Passes = 8
	// TrainingDays is the length of the window: the trailing year, the day itself included.
	TrainingDays = 365
	// MinTrainingDays is the least number of days that training accepts where the data begin later.
	MinTrainingDays = 30
)

// Model is a multinomial logistic regression with the account of what it was trained on. The zero Model knows
// nothing and gives every class the same probability. It is a value: copies are independent.
type Model struct {
	// Weights holds one row per class, in the order of Classes.
	Weights [ClassCount]Features `json:"weights"`
	// DaysSeen counts the distinct days seen per class, in the order of Classes.
	DaysSeen [ClassCount]int `json:"days_seen"`
	// FirstDay and LastDay bound the days seen. Both are 0 in the zero Model.
	FirstDay Date `json:"first_day"`
	LastDay  Date `json:"last_day"`
	// Updates counts the gradient steps.
	Updates int `json:"updates"`
}

// Untrained says whether the model has seen no day yet.
func (m Model) Untrained() bool { return m.Days() == 0 }

// Days returns the number of distinct days seen.
func (m Model) Days() int {
	n := 0
	for _, c := range m.DaysSeen {
		n += c
	}
	return n
}

// Majority returns the class seen most often, the first in the order of Classes where several are.
func (m Model) Majority() Class {
	best := Drizzle
	for _, c := range Classes() {
		if m.DaysSeen[c] > m.DaysSeen[best] {
			best = c
		}
	}
	return best
}

// Probabilities returns the probability of every class, in the order of Classes.
func (m Model) Probabilities(f Features) [ClassCount]float64 {
	var scores [ClassCount]float64
	top := math.Inf(-1)
	for c := range scores {
		for i, x := range f {
			// The conversion rounds the product, so that the compiler may not fuse it with the sum.
			scores[c] += float64(m.Weights[c][i] * x)
		}
		top = max(top, scores[c])
	}
	sum := 0.0
	for c := range scores {
		scores[c] = math.Exp(scores[c] - top)
		sum += scores[c]
	}
	for c := range scores {
		scores[c] /= sum
	}
	return scores
}

// Predict returns the most probable class, the first in the order of Classes where several are.
func (m Model) Predict(f Features) Class {
	p := m.Probabilities(f)
	best := Drizzle
	for _, c := range Classes() {
		if p[c] > p[best] {
			best = c
		}
	}
	return best
}

// Update returns the model after one gradient step on one sample. It does not count the day as seen: training does,
// because it passes over a day several times.
func Update(m Model, s Sample) Model {
	p := m.Probabilities(s.Features)
	for _, c := range Classes() {
		gradient := p[c] - indicator(c == s.Class)
		row := &m.Weights[c]
		for i, x := range s.Features {
			slope := float64(gradient*x) + float64(WeightDecay*row[i])
			row[i] -= float64(LearningRate * slope)
		}
	}
	m.Updates++
	return m
}

// Encode returns the canonical bytes of the model: equal models have equal bytes.
func (m Model) Encode() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode model of %s: %w", m.LastDay, err)
	}
	return b, nil
}

// Digest returns the SHA-256 of the canonical bytes in hexadecimal.
func (m Model) Digest() (string, error) {
	b, err := m.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// DecodeModel reads what Encode wrote. Bytes that Encode would not have written, such as those of a model with other
// classes or features, are refused with an error that wraps ErrModel.
func DecodeModel(b []byte) (Model, error) {
	var m Model
	if err := json.Unmarshal(b, &m); err != nil {
		return Model{}, fmt.Errorf("decode model: %w: %w", ErrModel, err)
	}
	canonical, err := m.Encode()
	if err != nil {
		return Model{}, err
	}
	if !bytes.Equal(canonical, b) {
		return Model{}, fmt.Errorf("decode model of %s: bytes are not canonical: %w", m.LastDay, ErrModel)
	}
	return m, nil
}
