package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// readLines returns the lines of a data file without comments and empty ones.
func readLines(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return out, nil
}

// readUsed reads the identifiers that real programs name, each of which must be one that counts.
func readUsed(name string, all []identifier) (map[string]bool, error) {
	lines, err := readLines(name)
	if err != nil {
		return nil, err
	}
	counted := make(map[string]bool, len(all))
	for _, id := range all {
		counted[id.name.String()] = true
	}
	used := make(map[string]bool, len(lines))
	for _, line := range lines {
		if !counted[line] {
			return nil, fmt.Errorf("%s: %s is not an identifier of Temporal that counts", name, line)
		}
		if used[line] {
			return nil, fmt.Errorf("%s: %s is there twice", name, line)
		}
		used[line] = true
	}
	return used, nil
}

// reason says why identifiers differ or are absent.
type reason struct {
	pattern string // an identifier, or the beginning of some followed by *
	text    string
	applies bool // to some gap
}

func (r *reason) matches(id string) bool {
	prefix, many := strings.CutSuffix(r.pattern, "*")
	return id == r.pattern || many && strings.HasPrefix(id, prefix)
}

// readReasons reads lines of an identifier, or a pattern, and a reason.
func readReasons(name string) ([]*reason, error) {
	lines, err := readLines(name)
	if err != nil {
		return nil, err
	}
	var out []*reason
	for _, line := range lines {
		pattern, text, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("%s: %s has no reason", name, pattern)
		}
		if slices.ContainsFunc(out, func(r *reason) bool { return r.pattern == pattern }) {
			return nil, fmt.Errorf("%s: %s is there twice", name, pattern)
		}
		out = append(out, &reason{pattern: pattern, text: strings.TrimSpace(text)})
	}
	return out, nil
}

// explain gives each gap the reason with the longest pattern that matches it, and returns the texts by identifier and
// the patterns that explain nothing any more.
func explain(reasons []*reason, all []identifier) (texts map[string]string, stale []string) {
	texts = make(map[string]string)
	for _, id := range all {
		if id.verdict == same {
			continue
		}
		var best *reason
		for _, r := range reasons {
			if r.matches(id.name.String()) && (best == nil || len(r.pattern) > len(best.pattern)) {
				best = r
			}
		}
		if best != nil {
			best.applies = true
			texts[id.name.String()] = best.text
		}
	}
	for _, r := range reasons {
		if !r.applies {
			stale = append(stale, r.pattern)
		}
	}
	return texts, stale
}
