package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// readQueues reads what waits: in inboxes, task queues and the intake, and among the dead letters.
func (j *judgement) readQueues(ctx context.Context) error {
	for i := range j.streams {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &j.streams[i]
		var err error
		switch s.kind() {
		case kindInbox:
			err = j.messages(s, j.inbox)
		case kindTasks:
			err = j.messages(s, j.task)
		case kindIntake:
			err = j.messages(s, j.intake)
		case kindDeadLetter:
			err = j.messages(s, j.letter)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runIn reads the run whose tokens begin at i.
func runIn(tokens []string, i int) (history.Run, error) {
	if len(tokens) < i+2 {
		return history.Run{}, fmt.Errorf("subject %q is too short", strings.Join(tokens, "."))
	}
	workflowID, err := streams.DecodeToken(tokens[i])
	if err != nil {
		return history.Run{}, err
	}
	runID, err := streams.DecodeToken(tokens[i+1])
	return history.Run{WorkflowID: workflowID, RunID: runID}, err
}

// staysOpen says whether a run is open and may be.
func (j *judgement) staysOpen(id history.Run) bool {
	r := j.chronicle.runs[id]
	x, ok := j.expectation(id.WorkflowID)
	return r != nil && r.closed == 0 && ok && x.Status == statusRunning
}

// inbox reads a message of INBOX: millrace.<namespace>.<partition>.inbox.<queue>.<build>.<workflow>.<run>.<source>, or
// millrace.<namespace>.<partition>.timer.<workflow>.<run>, which is an armed wake-up and is never withdrawn.
func (j *judgement) inbox(m *Message) error {
	const kind, timerRun, inboxRun = 3, 4, 6
	tokens := strings.Split(m.Subject, ".")
	if len(tokens) > kind && tokens[kind] == "timer" {
		id, err := runIn(tokens, timerRun)
		if err != nil || j.chronicle.runs[id] == nil {
			j.violate(I3, id.WorkflowID, id.RunID, "a wake-up at %d waits for no run: %s", m.Seq, m.Subject)
		}
		return nil
	}
	id, err := runIn(tokens, inboxRun)
	j.violate(I3, id.WorkflowID, id.RunID, "a message at %d waits in the inbox: %s", m.Seq, m.Subject)
	if err != nil {
		return nil
	}
	message, err := history.DecodeMessage(m.Data)
	if err != nil {
		return nil // it cannot be one that an operation has sent
	}
	return j.facts.message(id.WorkflowID, message, func(f *fate) { f.waiting = true })
}

// task reads a message of TASKS: millrace.<namespace>.<partition>.task.<queue>.<priority>.<fairness>.<workflow>.<run>.<event>.
func (j *judgement) task(m *Message) error {
	const taskRun = 7
	id, err := runIn(strings.Split(m.Subject, "."), taskRun)
	if err != nil || !j.staysOpen(id) {
		j.violate(I3, id.WorkflowID, id.RunID, "a task at %d waits: %s", m.Seq, m.Subject)
	}
	return nil
}

// intake reads a message of INTAKE: millrace.<namespace>.intake.<verb>.<name>.<workflow>.
func (j *judgement) intake(m *Message) error {
	j.violate(I3, "", "", "a message at %d waits in the intake: %s", m.Seq, m.Subject)
	if i, ok := j.intakeSignal(m.Subject, m.Headers, m.Data); ok {
		j.facts.fates[i].waiting = true
	}
	return nil
}

// intakeSignal finds the operation that published a signal to the intake.
func (j *judgement) intakeSignal(subject string, headers map[string][]string, data []byte) (int32, bool) {
	const verb, workflow = 3, 5
	tokens := strings.Split(subject, ".")
	if len(tokens) <= verb || tokens[verb] != "signal" {
		return 0, false
	}
	workflowID := ""
	if len(tokens) > workflow {
		if id, err := streams.DecodeToken(tokens[workflow]); err == nil {
			workflowID = id
		}
	}
	if values := headers[streams.HeaderIntakeWorkflowID]; len(values) == 1 {
		workflowID = values[0]
	}
	i, ok := j.facts.messages[messageKey{OperationSignal, workflowID, markOf(string(data))}]
	return i, ok
}

// letter reads a dead letter.
func (j *judgement) letter(m *Message) error {
	j.report.DeadLetters++
	workflowID := ""
	if values := m.Headers["Millrace-Workflow"]; len(values) == 1 {
		if id, err := streams.DecodeToken(values[0]); err == nil {
			workflowID = id
		}
	}
	if reason := m.Headers["Millrace-Reason"]; len(reason) != 1 || reason[0] == "" {
		j.violate(I1, workflowID, "", "the dead letter at %d has no reason", m.Seq)
		return nil
	}
	j.facts.letters[workflowID]++
	dead := func(f *fate) { f.dead = true }
	if message, err := history.DecodeMessage(m.Data); err == nil {
		return j.facts.message(workflowID, message, dead)
	}
	subject := ""
	if values := m.Headers["Millrace-Subject"]; len(values) == 1 {
		subject = values[0]
	}
	if i, ok := j.intakeSignal(subject, originals(m.Headers), m.Data); ok {
		dead(&j.facts.fates[i])
	}
	return nil
}

// originals are the headers that a dead letter had before it was one.
func originals(headers map[string][]string) map[string][]string {
	all := map[string][]string{}
	for key, values := range headers {
		if original, ok := strings.CutPrefix(key, "Original-"); ok {
			all[original] = values
		}
	}
	return all
}
