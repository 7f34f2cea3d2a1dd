package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
)

// tolerance is how much of a recorded ratio must be reached again.
const tolerance = 0.8

// compare fails for each measured ratio that is too far below the recorded one, or that has none. Complete says that
// everything that is recorded should have been measured.
func (r *report) compare(file string, complete bool) error {
	old, err := readResults(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no ratios are recorded: run with -record: %w", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\nCompared with the ratios recorded at %s on %s (%s)\n\n", old.Commit, old.Date, old.Machine)
	err = r.regressions(old.Ratios)
	if complete {
		for _, key := range slices.Sorted(maps.Keys(old.Ratios)) {
			if _, measured := r.Ratios[key]; !measured {
				err = errors.Join(err, fmt.Errorf("%w: %s was recorded and is not measured any more", errUnrecorded, key))
			}
		}
	}
	return err
}

func (r *report) regressions(old map[string]float64) error {
	var all []error
	for _, key := range slices.Sorted(maps.Keys(r.Ratios)) {
		now := r.Ratios[key]
		before, known := old[key]
		switch {
		case !known:
			r.note("%s: %.2f, NONE RECORDED", key, now)
			all = append(all, fmt.Errorf("%w: %s", errUnrecorded, key))
		case now < tolerance*before:
			r.note("%s: %.2f, recorded %.2f: REGRESSED", key, now, before)
			all = append(all, fmt.Errorf("%w: %s is %.2f, recorded %.2f, at least %.2f", errRegressed, key, now, before, tolerance*before))
		default:
			r.note("%s: %.2f, recorded %.2f", key, now, before)
		}
	}
	return errors.Join(all...)
}

func readResults(file string) (results, error) {
	var old results
	data, err := os.ReadFile(file)
	if err != nil {
		return old, err
	}
	if err := json.Unmarshal(data, &old); err != nil {
		return old, fmt.Errorf("read %s: %w", file, err)
	}
	return old, nil
}

// record writes what was measured for later comparisons.
func (r *report) record(file string) error {
	kept := r.results
	kept.Ratios, kept.Figures = make(map[string]float64, len(r.Ratios)), make(map[string]figures, len(r.Figures))
	for k, v := range r.Ratios {
		kept.Ratios[k] = rounded(v)
	}
	for k, f := range r.Figures {
		kept.Figures[k] = figures{math.Round(f.Rate), rounded(f.P50), rounded(f.P99), rounded(f.CPU), math.Round(f.Disk)}
	}
	data, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// rounded leaves out the digits that are noise.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }
