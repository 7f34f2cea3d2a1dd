package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/streams"
)

// The parts of a namespace's status in JSON.
type (
	statusLine struct {
		Name       string       `json:"name"`
		Partitions int          `json:"partitions"`
		Created    time.Time    `json:"created"`
		Profile    string       `json:"profile"`
		Survives   string       `json:"survives"`
		Streams    []streamLine `json:"streams"`
		Losses     []lossLine   `json:"losses"`
		Stuck      []stuckLine  `json:"stuckRuns"`
		Healed     []healedLine `json:"healed"`
		Problems   []string     `json:"problems,omitempty"`
	}
	streamLine struct {
		Name     string `json:"name"`
		Messages uint64 `json:"messages"`
		Bytes    uint64 `json:"bytes"`
		Replicas int    `json:"replicas,omitempty"`
		Behind   int    `json:"replicasBehind,omitempty"`
		Problem  string `json:"problem,omitempty"`
	}
	lossLine struct {
		Time   time.Time `json:"time"`
		Reason string    `json:"reason"`
	}
	stuckLine struct {
		WorkflowID  string    `json:"workflowId"`
		RunID       string    `json:"runId"`
		Quarantined bool      `json:"quarantined,omitempty"`
		Since       time.Time `json:"since"`
		Reason      string    `json:"reason"`
	}
	healedLine struct {
		Measure string `json:"measure"`
		streams.Healed
	}
)

func (a *app) namespaceStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status NAME", Short: "Show what is wrong with a namespace, and what was put right",
		Long: `Shows the namespace's streams, the losses of the broker that were found out about (for 7 days), the runs that do not go on
and why, and what daemons have healed since the namespace was created. It works also where streams are missing, and fails
when something is wrong with them.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withConnection(func(nc *nats.Conn, _ client.Options) error {
				s, err := streams.Inspect(ctx, nc, args[0])
				if err != nil {
					return err
				}
				line := statusLineOf(s)
				if a.flags.output == outputTable {
					err = a.showStatus(line)
				} else {
					err = a.printJSON(line)
				}
				if err != nil {
					return err
				}
				return wrong(s)
			})
		}),
	}
}

// wrong is an error when streams are not as they must be.
func wrong(s *streams.Status) error {
	n := 0
	for _, stream := range s.Streams {
		if stream.Problem != nil {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d streams of namespace %s are not as they must be", n, len(s.Streams), s.Name)
	}
	return nil
}

func statusLineOf(s *streams.Status) statusLine {
	line := statusLine{Name: s.Name, Partitions: s.Partitions, Created: s.Created, Profile: s.Durability.Profile, Survives: s.Durability.Survives(),
		Streams: []streamLine{}, Losses: []lossLine{}, Stuck: []stuckLine{}, Healed: []healedLine{}}
	for _, x := range s.Streams {
		line.Streams = append(line.Streams, streamLine{Name: x.Name, Messages: x.Messages, Bytes: x.Bytes, Replicas: x.Replicas, Behind: x.Behind,
			Problem: textOf(x.Problem)})
	}
	for _, x := range s.Losses {
		line.Losses = append(line.Losses, lossLine{x.Time, x.Reason})
	}
	for _, x := range s.Stuck {
		line.Stuck = append(line.Stuck, stuckLine{x.Run.WorkflowID, x.Run.RunID, x.Quarantined, x.Since, x.Reason})
	}
	for _, measure := range slices.Sorted(maps.Keys(s.Healed)) {
		line.Healed = append(line.Healed, healedLine{measure, s.Healed[measure]})
	}
	for _, err := range s.Problems {
		line.Problems = append(line.Problems, err.Error())
	}
	return line
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (a *app) showStatus(s statusLine) error {
	a.say("namespace   %s", s.Name)
	a.say("created     %s", a.when(s.Created))
	a.say("partitions  %d", s.Partitions)
	a.say("durability  %s: an acknowledged write survives %s", s.Profile, s.Survives)
	a.say("")
	err := part(a, []string{"STREAM", "MESSAGES", "BYTES", "REPLICAS", "STATE"}, s.Streams, "", func(x streamLine) []string {
		state := "in order"
		switch {
		case x.Problem != "":
			state = x.Problem
		case x.Behind > 0:
			state = fmt.Sprintf("%d of %d replicas are behind", x.Behind, x.Replicas)
		}
		return []string{x.Name, fmt.Sprint(x.Messages), fmt.Sprint(x.Bytes), fmt.Sprint(x.Replicas), state}
	})
	if err == nil {
		err = part(a, []string{"LOST", "WHAT"}, s.Losses, "No loss of the broker is known.", func(x lossLine) []string {
			return []string{a.when(x.Time), x.Reason}
		})
	}
	if err == nil {
		err = part(a, []string{"STUCK SINCE", "WORKFLOW ID", "RUN ID", "STATE", "REASON"}, s.Stuck, "No run is stuck.", func(x stuckLine) []string {
			state := "waits"
			if x.Quarantined {
				state = "quarantined"
			}
			return []string{a.when(x.Since), x.WorkflowID, x.RunID, state, shorten(x.Reason, 120)}
		})
	}
	if err == nil {
		err = part(a, []string{"HEALED", "TIMES", "LAST", "WHAT"}, s.Healed, "Nothing had to be healed.", func(x healedLine) []string {
			return []string{x.Measure, fmt.Sprint(x.Count), a.when(x.Last), shorten(x.Object, 80)}
		})
	}
	for _, problem := range s.Problems {
		a.say("not known: %s", problem)
	}
	return err
}

// part writes one of the tables of a status, or says that it is empty.
func part[T any](a *app, header []string, all []T, none string, cells func(T) []string) error {
	if len(all) == 0 {
		a.say("%s", none)
		return nil
	}
	t := newTable(a.stdout)
	if err := line(t, header); err != nil {
		return err
	}
	for _, x := range all {
		if err := line(t, cells(x)); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	a.say("")
	return nil
}
