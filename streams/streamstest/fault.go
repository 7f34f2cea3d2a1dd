package streamstest

import "github.com/millrace-dev/millrace/internal/history"

// Op names an operation of the model to its fault hook: the name of the method, of streams.Namespace or of
// streams.Delivery.
type Op string

// The operations that a hook is asked about. OpDeliver is asked about once for every message that a Pull returns.
const (
	OpPublishStart    Op = "PublishStart"
	OpLastStart       Op = "LastStart"
	OpFindStart       Op = "FindStart"
	OpStartAt         Op = "StartAt"
	OpListStarts      Op = "ListStarts"
	OpAppend          Op = "Append"
	OpTail            Op = "Tail"
	OpLoad            Op = "Load"
	OpPutBody         Op = "PutBody"
	OpGetBody         Op = "GetBody"
	OpClaim           Op = "Claim"
	OpSend            Op = "Send"
	OpReadInbox       Op = "ReadInbox"
	OpArmWakeUp       Op = "ArmWakeUp"
	OpArmedWakeUp     Op = "ArmedWakeUp"
	OpPublishTask     Op = "PublishTask"
	OpWithdrawTask    Op = "WithdrawTask"
	OpTaskQueued      Op = "TaskQueued"
	OpPutBeat         Op = "PutBeat"
	OpPutNote         Op = "PutNote"
	OpGetBeat         Op = "GetBeat"
	OpDeleteBeats     Op = "DeleteBeats"
	OpRequestCancel   Op = "RequestCancel"
	OpCancelRequested Op = "CancelRequested"
	OpMarkStarted     Op = "MarkStarted"
	OpStarted         Op = "Started"
	OpPutControl      Op = "PutControl"
	OpAsked           Op = "Asked"
	OpFindTask        Op = "FindTask"
	OpRemoveTask      Op = "RemoveTask"
	OpReportFailure   Op = "ReportFailure"
	OpReportedFailure Op = "ReportedFailure"
	OpFollow          Op = "Follow"
	OpQuery           Op = "Query"
	OpPutDeadLetter   Op = "PutDeadLetter"
	OpDeadLetters     Op = "DeadLetters"
	OpConsume         Op = "Consume"
	OpDeliver         Op = "Deliver"
	OpAck             Op = "Ack"
	OpAckSync         Op = "AckSync"
	OpNak             Op = "Nak"
	OpInProgress      Op = "InProgress"
	OpKeepAlive       Op = "KeepAlive"
)

// Fault is how the model answers one call. A fault that means nothing to an operation is the same as Proceed.
type Fault int

const (
	// Proceed does what was asked and answers with the truth.
	Proceed Fault = iota
	// Lost does nothing. The answer is ErrUnavailable; an unconfirmed acknowledgement (Ack, Nak, KeepAlive) is lost
	// without a word, and a lost delivery comes again after AckWait.
	Lost
	// Ambiguous does what was asked and answers ErrUnavailable.
	Ambiguous
	// Duplicate does it twice: a message is stored again although the window for duplicates would have caught it, a
	// delivery comes again at once while the first is still held.
	Duplicate
	// InFlight is a collision with somebody whose write is in flight. A conditional write is refused with ErrConflict
	// and leaves nothing, and so did the other. PublishTask finds the subject taken, as it may for some milliseconds
	// after an acknowledgement. ArmWakeUp succeeds and is lost when the armed wake-up was due: its firing takes the new one
	// with it and follows it.
	InFlight
	// Stale answers a read without the newest message that it would have seen: the answer of a leader that does not
	// know yet that it was deposed.
	Stale
)

// String is the fault's name, for logs and seeds.
func (f Fault) String() string {
	switch f {
	case Proceed:
		return "proceed"
	case Lost:
		return "lost"
	case Ambiguous:
		return "ambiguous"
	case Duplicate:
		return "duplicate"
	case InFlight:
		return "in flight"
	case Stale:
		return "stale"
	}
	return "unknown fault"
}

// Hook decides how a call is answered. n counts the calls of op for that run, from 1; the run is empty for an
// operation that concerns none, and has no RunID where only the workflow ID is asked for. The model calls it without
// holding its lock, so a hook may use the model itself, for instance to let a competitor go first; and from every
// goroutine that uses the model, so it must be safe for concurrent use.
type Hook func(op Op, run history.Run, n int) Fault
