package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/millrace-dev/millrace/integration/verify"
)

// contests is what became of the work of processes that others had given up.
type contests struct {
	// made counts the decisions, lost those that were not stored because another process's was.
	made, lost int
	// wrong are decisions that had effects although another one was stored.
	wrong []string
	// late counts executions that ended well after another one of the same activity had: nobody may take notice.
	late int
}

// point is a place in a run where a decision is made.
type point struct{ workflowID, runID, number string }

// readContests reads what processes noted.
func readContests(dir string) (contests, error) {
	var c contests
	if err := c.readDecisions(dir); err != nil {
		return c, err
	}
	return c, c.readExecutions(dir)
}

// readDecisions compares the decisions that were made with those that were confirmed. The activity that confirms one is
// an effect of the transition that holds it: of the decisions for one place only that may be confirmed which was stored.
func (c *contests) readDecisions(dir string) error {
	made, confirmed := map[point]map[string]bool{}, map[point]map[string]bool{}
	err := readFiles(decisionsFile(dir, "*"), func(d decision) {
		p := point{d.WorkflowID, d.RunID, placeOf(d.Nonce)}
		in := made
		if d.Confirmed {
			in = confirmed
		}
		if in[p] == nil {
			in[p] = map[string]bool{}
		}
		in[p][d.Nonce] = true
	})
	if err != nil {
		return err
	}
	for p, nonces := range made {
		c.made += len(nonces)
		c.lost += max(len(nonces)-1, 0)
		if n := len(confirmed[p]); n > 1 {
			c.wrong = append(c.wrong, fmt.Sprintf("run %s/%s: %d different decisions number %s were confirmed", p.workflowID, p.runID, n, p.number))
		}
	}
	for p, nonces := range confirmed {
		for nonce := range nonces {
			if !made[p][nonce] {
				c.wrong = append(c.wrong, fmt.Sprintf("run %s/%s: decision %s was confirmed and never made", p.workflowID, p.runID, nonce))
			}
		}
	}
	return nil
}

// placeOf is which decision of its run a nonce is for.
func placeOf(nonce string) string {
	parts := strings.Split(nonce, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// readExecutions counts the late ones.
func (c *contests) readExecutions(dir string) error {
	type activity struct{ workflowID, runID, activityID string }
	ended := map[activity]int{}
	err := readFiles(executionsFile(dir, "*"), func(e verify.Execution) {
		if e.Ended == 0 || e.Failed {
			return
		}
		a := activity{e.WorkflowID, e.RunID, e.ActivityID}
		if ended[a]++; ended[a] > 1 {
			c.late++
		}
	})
	return err
}

// readFiles reads all files of a pattern.
func readFiles[T any](pattern string, each func(T)) error {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("list evidence: %w", err)
	}
	for _, name := range names {
		if _, err := readFrom(name, 0, each); err != nil {
			return err
		}
	}
	return nil
}
