// Package verify decides, from evidence on disk alone, whether a run of the fault harness lost, doubled or blocked
// anything.
//
// # Evidence
//
// Evidence is a directory. All files are lines of JSON, appended by processes that may be killed at any moment: a last
// line without its end is ignored. Times are nanoseconds of the Unix clock, all from one machine.
//
//	plan.json              what the run was to do: Plan
//	operations-*.jsonl     what clients asked for and were told: Operation
//	executions-*.jsonl     what activities did, one file for each process: Execution
//	faults-*.jsonl         what was done to the system: Fault
//	expectations-*.jsonl   how runs have to end: Expectation
//	dump/STREAM.jsonl.gz   every message of a stream: Message
//	dump/STREAM.json       the stream and its consumers: Stream
//
// In operations, executions and faults the last line with an ID counts, so a line may be written when something begins
// and again when it has ended.
//
// # Invariants
//
//	I1  what was acknowledged is in a history, or is a dead letter with a reason
//	I2  records and events are numbered without gap or repetition; nothing ends twice; one open run for a workflow ID
//	I3  every run ended as expected, and nothing waits any more
//	I4  every completed activity was executed, and none more often than faults explain
//	I5  what clients saw and the log agree on one order; every record names the one before it
//	I6  code replays every history
//	I7  poison does not slow others
//	I8  enough was done, and faults hit it
//
// A Report is red when one of I1 to I7 is violated, void when I8 is, or when something was not examined that the plan
// asks for, and green otherwise.
package verify
