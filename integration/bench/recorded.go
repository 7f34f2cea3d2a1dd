package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// tolerance is how much of a recorded ratio must be reached again.
const tolerance = 0.8

// recorded are the ratios of an earlier measurement, and where they come from.
type recorded struct {
	machine
	Ratios map[string]float64 `json:"ratios"`
}

// compare fails for each measured ratio that is too far below the recorded one.
func (r *report) compare(file string) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no ratios are recorded: run with -record: %w", err)
	}
	if err != nil {
		return err
	}
	var old recorded
	if err := json.Unmarshal(data, &old); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	fmt.Fprintf(r.out, "\nCompared with the ratios recorded at %s on %s (%s)\n\n", old.Commit, old.Date, old.Machine)
	return regressions(r, r.ratios, old.Ratios)
}

func regressions(r *report, now, old map[string]float64) error {
	var all []error
	for _, key := range slices.Sorted(maps.Keys(now)) {
		before, known := old[key]
		switch {
		case !known:
			r.note("%s: %.2f, none recorded", key, now[key])
		case now[key] < tolerance*before:
			r.note("%s: %.2f, recorded %.2f: REGRESSED", key, now[key], before)
			all = append(all, fmt.Errorf("%w: %s is %.2f, recorded %.2f, at least %.2f", errRegressed, key, now[key], before, tolerance*before))
		default:
			r.note("%s: %.2f, recorded %.2f", key, now[key], before)
		}
	}
	return errors.Join(all...)
}

// record writes the measured ratios for later comparisons.
func (r *report) record(file string) error {
	data, err := json.MarshalIndent(recorded{machine: r.machine, Ratios: rounded(r.ratios)}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// rounded leaves out the digits that are noise.
func rounded(ratios map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(ratios))
	for k, v := range ratios {
		out[k] = float64(int(v*1000+0.5)) / 1000
	}
	return out
}
