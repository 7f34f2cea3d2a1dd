package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/millrace-dev/millrace/examples/training/weather"
)

// printTable writes a line per published card and a line per range that sums them up, then who won.
func printTable(w io.Writer, dir string, spans []span) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "range\ttrained to\tsamples\tupdates\tdays judged\tmodel\tmajority class\t\tas the day before\t")
	verdicts := make([]string, len(spans))
	for i, s := range spans {
		var sum weather.CardEvaluation
		won, lost := 0, 0
		for date := s.first; date <= s.last(); date++ {
			card, err := readCard(filepath.Join(dir, s.name, date.String()+".json"))
			if err != nil {
				return err
			}
			e := card.Evaluation
			fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t(%s)\t%s\t\n", s.name, date, card.Data.Samples, card.Model.Updates, e.Days,
				weather.Percent(e.Accuracy), weather.Percent(e.MajorityAccuracy), e.Majority, weather.Percent(e.PersistenceAccuracy))
			sum.Days += e.Days
			sum.Correct += e.Correct
			sum.MajorityCorrect += e.MajorityCorrect
			sum.PersistenceCorrect += e.PersistenceCorrect
			switch {
			case e.Correct > e.MajorityCorrect:
				won++
			case e.Correct < e.MajorityCorrect:
				lost++
			}
		}
		fmt.Fprintf(tw, "%s\tall %d days\t\t\t%d\t%s\t%s\t\t%s\t\n", s.name, s.days, sum.Days, share(sum.Correct, sum.Days),
			share(sum.MajorityCorrect, sum.Days), share(sum.PersistenceCorrect, sum.Days))
		verdicts[i] = fmt.Sprintf("%s: of %d models, %d beat the majority class and %d lose to it\n", s.name, s.days, won, lost)
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(verdicts, ""))
	return err
}

func share(part, whole int) string {
	if whole == 0 {
		return weather.Percent(nil)
	}
	v := float64(part) / float64(whole)
	return weather.Percent(&v)
}

func readCard(path string) (weather.Card, error) {
	var card weather.Card
	b, err := os.ReadFile(path)
	if err != nil {
		return card, fmt.Errorf("read card: %w", err)
	}
	if err := json.Unmarshal(b, &card); err != nil {
		return card, fmt.Errorf("read card %s: %w", path, err)
	}
	return card, nil
}
