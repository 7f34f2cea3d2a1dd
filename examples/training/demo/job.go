package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/examples/training/pipeline"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

// span is one range of days that the demo trains.
type span struct {
	name  string
	first weather.Date
	days  int
	// daily says that the range is trained by Daily, one run after the other, and not by Backfill.
	daily bool
}

func (s span) last() weather.Date { return s.first + weather.Date(s.days) - 1 }

// workflowID returns the ID of the run to wait for.
func (s span) workflowID() string {
	if s.daily {
		return pipeline.DailyID(s.name)
	}
	return pipeline.BackfillID(s.name)
}

// demoSpans returns the ranges of the demo: seasons in which the model and the baselines take turns in winning.
func demoSpans(days int) ([]span, error) {
	spans := []span{{name: "winter", days: days}, {name: "summer", days: days}, {name: "autumn", days: days, daily: true}}
	for i, first := range []string{"2014-01-01", "2014-07-01", "2014-10-01"} {
		date, err := weather.ParseDate(first)
		if err != nil {
			return nil, err
		}
		spans[i].first = date
	}
	return spans, nil
}

// start starts the span's workflow.
func (s span) start(ctx context.Context, c client.Client) error {
	options := client.StartWorkflowOptions{ID: s.workflowID(), TaskQueue: pipeline.TaskQueue}
	var err error
	if s.daily {
		_, err = c.ExecuteWorkflow(ctx, options, pipeline.Daily, pipeline.DailyInput{Range: s.name, Date: s.first, Last: s.last()})
	} else {
		_, err = c.ExecuteWorkflow(ctx, options, pipeline.Backfill, pipeline.BackfillInput{Range: s.name, First: s.first, Days: s.days})
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", s.workflowID(), err)
	}
	return nil
}

// expectedCards trains the spans without an engine and returns every file that the pipeline has to publish, by its path
// under the directory of cards.
func expectedCards(ds weather.Dataset, file string, spans []span) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, s := range spans {
		cards, err := weather.Backfill(ds, file, s.first, s.last())
		if err != nil {
			return nil, err
		}
		for _, c := range cards {
			encoded, err := c.JSON()
			if err != nil {
				return nil, err
			}
			path := filepath.Join(s.name, c.Data.LastDay.String())
			files[path+".json"] = encoded
			files[path+".md"] = c.Markdown()
		}
	}
	return files, nil
}

// compareCards returns the digest of all published files, and an error that names those that differ from the expected
// ones, are missing, or should not be there.
func compareCards(dir string, expected map[string][]byte) (string, error) {
	published := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || strings.HasPrefix(d.Name(), ".tmp-") {
			// What a killed process left half-written was never published.
			return err
		}
		published[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read cards: %w", err)
	}
	var wrong []error
	for _, name := range sortedKeys(expected) {
		content, ok := published[name]
		switch {
		case !ok:
			wrong = append(wrong, fmt.Errorf("%s is missing", name))
		case !bytes.Equal(content, expected[name]):
			wrong = append(wrong, fmt.Errorf("%s differs from the run without an engine", name))
		}
	}
	digest := sha256.New()
	for _, name := range sortedKeys(published) {
		if _, ok := expected[name]; !ok {
			wrong = append(wrong, fmt.Errorf("%s should not exist", name))
		}
		fmt.Fprintf(digest, "%s %d\n", filepath.ToSlash(name), len(published[name]))
		digest.Write(published[name])
	}
	return hex.EncodeToString(digest.Sum(nil)), errors.Join(wrong...)
}

func sortedKeys(m map[string][]byte) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// countCards counts the published cards; a range without a directory yet has none.
func countCards(dir string) int {
	cards, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	if err != nil {
		return 0 // the pattern is constant and well-formed
	}
	return len(cards)
}
