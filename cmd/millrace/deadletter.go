package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/streams"
)

func (a *app) deadLetterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deadletter", Short: "Look at messages that could not be used", Aliases: []string{"deadletters"},
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.deadLetterList())
	return cmd
}

// letter is a dead letter in JSON.
type letter struct {
	Time       time.Time           `json:"time"`
	ID         string              `json:"id"`
	Reason     string              `json:"reason"`
	Subject    string              `json:"subject"`
	WorkflowID string              `json:"workflowId,omitempty"`
	RunID      string              `json:"runId,omitempty"`
	Headers    map[string][]string `json:"headers,omitempty"`
	Body       any                 `json:"body,omitempty"`
	Truncated  bool                `json:"truncated,omitempty"`
}

func (a *app) deadLetterList() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List them, newest first", Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: must not be negative", limit)
			}
			return a.withNamespace(ctx, func(ns *streams.Namespace) error {
				list := newRows(a, []string{"TIME", "WORKFLOW ID", "SUBJECT", "REASON"}, func(l letter) []string {
					return []string{a.when(l.Time), orDash(l.WorkflowID), shorten(l.Subject, 60), l.Reason}
				})
				for d, err := range ns.DeadLetters(ctx, limit) {
					if err != nil {
						return err
					}
					if err := list.add(letterOf(d)); err != nil {
						return err
					}
				}
				return list.end("There are no dead letters.")
			})
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this many, 0 for all")
	return cmd
}

func letterOf(d streams.DeadLetter) letter {
	return letter{
		Time: d.Time, ID: d.ID, Reason: d.Reason, Subject: d.Subject, WorkflowID: d.Run.WorkflowID, RunID: d.Run.RunID,
		Headers: d.Headers, Body: readable(d.Data), Truncated: d.Truncated,
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// shorten cuts s to n characters, 0 for as many as there are.
func shorten(s string, n int) string {
	runes := []rune(s)
	if n <= 0 || len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}
