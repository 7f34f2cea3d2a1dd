//go:build linux

package powerloss

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/millrace-dev/millrace/log"
)

// journal keeps what programs log.
type journal struct {
	mu    sync.Mutex // guards lines
	lines []string
}

// of is the logger of one program.
func (j *journal) of(program string) log.Logger { return voice{j, program} }

// with are the lines that have all of the texts.
func (j *journal) with(texts ...string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		has := true
		for _, text := range texts {
			has = has && strings.Contains(line, text)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

// last are the newest lines.
func (j *journal) last(n int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines[max(0, len(j.lines)-n):])
}

// lossSaid is in what programs log when the broker has lost what it had acknowledged.
const lossSaid = "the broker has lost what it had acknowledged"

// voice is one program's part of a journal.
type voice struct {
	journal *journal
	program string
}

func (v voice) say(level, msg string, keyvals []any) {
	v.journal.mu.Lock()
	defer v.journal.mu.Unlock()
	v.journal.lines = append(v.journal.lines, fmt.Sprintln(append([]any{v.program, level, msg}, keyvals...)...))
}

func (v voice) Debug(string, ...any)             {}
func (v voice) Info(msg string, keyvals ...any)  { v.say("info", msg, keyvals) }
func (v voice) Warn(msg string, keyvals ...any)  { v.say("warn", msg, keyvals) }
func (v voice) Error(msg string, keyvals ...any) { v.say("error", msg, keyvals) }
