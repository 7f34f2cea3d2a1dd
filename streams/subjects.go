package streams

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace-dev/millrace/internal/history"
)

// subjectKind is what a subject of a partition is for.
type subjectKind string

const (
	kindStart   subjectKind = "start"
	kindRecord  subjectKind = "history"
	kindBody    subjectKind = "body"
	kindClaim   subjectKind = "claim"
	kindInbox   subjectKind = "inbox"
	kindWakeUp  subjectKind = "timer"
	kindTask    subjectKind = "task"
	subjectRoot             = "millrace"
	runTree                 = "run"
	unusedToken             = "-"
)

// subject is a subject of a partition, taken apart. Which fields are set follows from the kind.
type subject struct {
	namespace string
	partition int
	kind      subjectKind
	run       history.Run

	queue, build string         // start, inbox, task
	class        int            // task
	bucket       int            // task
	source       history.Source // inbox
	activity     int64          // task, claim
	commit       string         // body
	piece        int            // body
}

// String is the subject on the wire.
func (s subject) String() string {
	p := partitionSubjects{prefix: partitionPrefix(s.namespace, s.partition)}
	address := history.Address{Run: s.run, Queue: s.queue, Build: s.build}
	switch s.kind {
	case kindStart:
		return p.start(address)
	case kindRecord:
		return p.record(s.run)
	case kindBody:
		return p.body(s.run, s.commit, s.piece)
	case kindClaim:
		return p.claim(s.run, s.activity)
	case kindInbox:
		return p.inbox(address, s.source)
	case kindWakeUp:
		return p.wakeUp(s.run)
	case kindTask:
		return p.task(TaskRef{Run: s.run, Queue: s.queue, Activity: s.activity,
			TaskLane: s.lane()})
	}
	return ""
}

// partitionSubjects builds the subjects of one partition.
type partitionSubjects struct {
	prefix string // with its dot
}

func partitionPrefix(namespace string, partition int) string {
	return subjectRoot + "." + namespace + "." + strconv.Itoa(partition) + "."
}

func (p partitionSubjects) tree(r history.Run) string {
	return p.prefix + runTree + "." + EncodeToken(r.WorkflowID) + "." + EncodeToken(r.RunID) + "."
}

func runTokens(r history.Run) string { return EncodeToken(r.WorkflowID) + "." + EncodeToken(r.RunID) }

func (p partitionSubjects) start(a history.Address) string {
	return p.tree(a.Run) + string(kindStart) + "." + EncodeToken(a.Queue) + "." + EncodeToken(a.Build)
}

// startOf matches the start of one run, startsOf those of one workflow ID. The latter is the check subject of every
// start: the broker compares check subjects as text, so all starters must write it alike.
func (p partitionSubjects) startOf(r history.Run) string { return p.tree(r) + string(kindStart) + ".>" }

func (p partitionSubjects) startsOf(workflowID string) string {
	return p.prefix + runTree + "." + EncodeToken(workflowID) + ".*." + string(kindStart) + ".>"
}

func (p partitionSubjects) allStarts() string {
	return p.prefix + runTree + ".*.*." + string(kindStart) + ".>"
}

func (p partitionSubjects) queueStarts(queue, build string) string {
	return p.prefix + runTree + ".*.*." + string(kindStart) + "." + EncodeToken(queue) + "." + EncodeToken(build)
}

func (p partitionSubjects) record(r history.Run) string {
	return p.prefix + runTree + "." + EncodeToken(r.WorkflowID) + "." + EncodeToken(r.RunID) + "." + string(kindRecord)
}

func (p partitionSubjects) allRecords() string {
	return p.prefix + runTree + ".*.*." + string(kindRecord)
}

func (p partitionSubjects) body(r history.Run, commit string, piece int) string {
	return p.tree(r) + string(kindBody) + "." + EncodeToken(commit) + "." + strconv.Itoa(piece)
}

func (p partitionSubjects) claim(r history.Run, activity int64) string {
	return p.tree(r) + string(kindClaim) + "." + strconv.FormatInt(activity, 10)
}

func (p partitionSubjects) inbox(a history.Address, source history.Source) string {
	return p.prefix + string(kindInbox) + "." + EncodeToken(a.Queue) + "." + EncodeToken(a.Build) + "." +
		EncodeToken(a.WorkflowID) + "." + EncodeToken(a.RunID) + "." + string(source)
}

func (p partitionSubjects) queueInbox(queue, build string) string {
	return p.prefix + string(kindInbox) + "." + EncodeToken(queue) + "." + EncodeToken(build) + ".>"
}

// anyInbox matches all that waits for a run, whatever its queue.
func (p partitionSubjects) anyInbox(r history.Run) string {
	return p.prefix + string(kindInbox) + ".*.*." + runTokens(r) + ".>"
}

func (p partitionSubjects) wakeUp(r history.Run) string {
	return p.prefix + string(kindWakeUp) + "." + runTokens(r)
}

func (p partitionSubjects) task(t TaskRef) string {
	fairness := unusedToken
	if t.Bucket > 0 {
		fairness = strconv.Itoa(t.Bucket)
	}
	return p.prefix + string(kindTask) + "." + t.TaskLane.tokens(t.Queue) + "." + fairness + "." +
		EncodeToken(t.Run.WorkflowID) + "." + EncodeToken(t.Run.RunID) + "." + strconv.FormatInt(t.Activity, 10)
}

// tokens are the queue, with the build, and the class.
func (l TaskLane) tokens(queue string) string {
	if l.Class == 0 {
		return l.queueToken(queue) + "." + unusedToken
	}
	return l.queueToken(queue) + "." + strconv.Itoa(l.Class)
}

// queueToken is <queue>, <queue>+<build>, or <queue>+<build>+ with a bucket. No token that EncodeToken makes has a '+': so the
// filter of the lane of tasks that have nothing of these, which has been <queue>.> from the beginning, matches no other lane's,
// and that of a lane of a class, <queue>+<build>.<class>.>, those of no bucket.
func (l TaskLane) queueToken(queue string) string {
	token := EncodeToken(queue)
	if l == (TaskLane{}) {
		return token
	}
	if token += "+"; l.Build != "" {
		token += EncodeToken(l.Build)
	}
	if l.Bucket > 0 {
		token += "+"
	}
	return token
}

func (p partitionSubjects) queueTasks(queue string, l TaskLane) string {
	return p.prefix + string(kindTask) + "." + l.filter(queue)
}

// filter matches, in what follows the kind, the subjects of the lane's tasks.
func (l TaskLane) filter(queue string) string {
	switch {
	case l == (TaskLane{}):
		return EncodeToken(queue) + ".>"
	case l.Bucket > 0:
		return l.tokens(queue) + "." + strconv.Itoa(l.Bucket) + ".>"
	}
	return l.tokens(queue) + ".>"
}

func (s *subject) lane() TaskLane { return TaskLane{Build: s.build, Class: s.class, Bucket: s.bucket} }

// live is where the records of a run are republished. It needs no partition: a follower knows the workflow ID anyway,
// and a person who subscribes does not want to.
func liveSubject(namespace string, r history.Run) string {
	return subjectRoot + "." + namespace + ".live." + runTokens(r)
}

// noticeSubject is where the ends of runs are told to a waiter, up to the run ID.
func noticeSubject(namespace, waiter string) string {
	return noticesSubject(namespace) + waiter + "."
}

// noticesSubject is where the ends of runs are told, up to the waiter.
func noticesSubject(namespace string) string {
	return subjectRoot + "." + namespace + ".done."
}

func querySubject(namespace, queue, build string) string {
	return subjectRoot + "." + namespace + ".query." + EncodeToken(queue) + "." + EncodeToken(build)
}

// parseSubject takes a subject of a partition apart. It accepts exactly what String builds.
func parseSubject(text string) (subject, error) {
	var s subject
	if !s.parse(text) {
		return subject{}, fmt.Errorf("subject %q is not one of ours", text)
	}
	return s, nil
}

// maxTokens is more than any of our subjects has.
const maxTokens = 12

func (s *subject) parse(text string) bool {
	var array [maxTokens]string
	t := array[:0]
	for more := true; more; {
		if len(t) == maxTokens {
			return false
		}
		var token string
		token, text, more = strings.Cut(text, ".")
		t = append(t, token)
	}
	if len(t) < 4 || t[0] != subjectRoot || CheckNamespace(t[1]) != nil {
		return false
	}
	partition, ok := parseNumber(t[2])
	if !ok {
		return false
	}
	s.namespace, s.partition = t[1], int(partition)
	if t[3] == runTree {
		return s.parseTree(t[4:])
	}
	return s.parseMessage(subjectKind(t[3]), t[4:])
}

// parseTree reads <wid>.<rid>.<kind>... of HISTORY.
func (s *subject) parseTree(t []string) bool {
	if len(t) < 3 || !s.parseRun(t[0], t[1]) {
		return false
	}
	s.kind = subjectKind(t[2])
	rest := t[3:]
	switch {
	case s.kind == kindRecord && len(rest) == 0:
		return true
	case s.kind == kindStart && len(rest) == 2:
		return s.parseQueue(rest[0], rest[1])
	case s.kind == kindBody && len(rest) == 2:
		commit, err := DecodeToken(rest[0])
		piece, ok := parseNumber(rest[1])
		s.commit, s.piece = commit, int(piece)
		return err == nil && ok
	case s.kind == kindClaim && len(rest) == 1:
		var ok bool
		s.activity, ok = parseNumber(rest[0])
		return ok
	}
	return false
}

// parseMessage reads what follows inbox, timer and task.
func (s *subject) parseMessage(kind subjectKind, t []string) bool {
	s.kind = kind
	switch {
	case kind == kindInbox && len(t) == 5:
		s.source = history.Source(t[4])
		return s.parseQueue(t[0], t[1]) && s.parseRun(t[2], t[3]) && validSource(s.source)
	case kind == kindWakeUp && len(t) == 2:
		return s.parseRun(t[0], t[1])
	case kind == kindTask && len(t) == 6:
		var ok bool
		s.activity, ok = parseNumber(t[5])
		return ok && s.parseLane(t[0], t[1], t[2]) && s.parseRun(t[3], t[4])
	}
	return false
}

// parseLane reads the lane of a task's subject as it is written, and nothing else.
func (s *subject) parseLane(queue, class, fairness string) bool {
	queue, build, apart := strings.Cut(queue, "+")
	build, rest, fair := strings.Cut(build, "+")
	switch build {
	case unusedToken:
		return false
	case "":
		build = unusedToken
	}
	var classOK, bucketOK bool
	s.class, classOK = parseUpTo(MaxClass, class)
	s.bucket, bucketOK = parseUpTo(history.FairnessBuckets, fairness)
	return rest == "" && classOK && bucketOK && s.parseQueue(queue, build) &&
		fair == (s.bucket > 0) && apart == (s.lane() != TaskLane{})
}

// parseUpTo reads a number from 1 to limit, or the token for none, which is 0.
func parseUpTo(limit int64, token string) (int, bool) {
	if token == unusedToken {
		return 0, true
	}
	n, ok := parseNumber(token)
	return int(n), ok && n >= 1 && n <= limit
}

func (s *subject) parseRun(workflowID, runID string) bool {
	var errW, errR error
	s.run.WorkflowID, errW = DecodeToken(workflowID)
	s.run.RunID, errR = DecodeToken(runID)
	return errW == nil && errR == nil
}

func (s *subject) parseQueue(queue, build string) bool {
	var errQ, errB error
	s.queue, errQ = DecodeToken(queue)
	s.build, errB = DecodeToken(build)
	return errQ == nil && errB == nil
}

// parseNumber reads a number as FormatInt writes it, and not negative.
func parseNumber(text string) (int64, bool) {
	if text == "" || text[0] < '0' || text[0] > '9' || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}

// validSource says whether s is a letter, perhaps followed by a number, as package history makes them.
func validSource(s history.Source) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	if len(s) == 1 {
		return true
	}
	_, ok := parseNumber(string(s[1:]))
	return ok
}

func checkRun(r history.Run) error {
	if err := CheckWorkflowID(r.WorkflowID); err != nil {
		return err
	}
	return checkName("run ID", r.RunID)
}

func checkAddress(a history.Address) error {
	if err := checkRun(a.Run); err != nil {
		return err
	}
	if err := CheckTaskQueue(a.Queue); err != nil {
		return err
	}
	return checkBuild(a.Build)
}

func checkActivity(run history.Run, activity int64) error {
	if err := checkRun(run); err != nil {
		return err
	}
	if activity < 1 {
		return &InvalidError{Field: "activity", Value: strconv.FormatInt(activity, 10), Limit: "the number of an event, from 1"}
	}
	return nil
}
