// Package streams keeps Millrace's runs in NATS JetStream. It owns every stream, subject, header, key and consumer,
// and it is the only package that knows them: the rest of Millrace sees runs, records, messages and tasks.
//
// # Roles
//
// A namespace is a set of streams, divided into partitions by a hash of the workflow ID. A starter publishes a run's
// start; a coordinator appends the run's records, one transition each; anyone who has something for a run sends it to
// the run's inbox; a worker takes tasks. HISTORY holds starts and records and is the truth. INBOX, TASKS and HEARTBEATS
// can be rebuilt from it.
//
// # Rules
//
//  1. A start is published on the condition that the last start of its workflow ID is the one that its starter saw.
//     All starters of one workflow ID name the same check subject, so the broker compares them exactly.
//  2. A record is appended on the condition that the last message of its lane is the one that its writer saw, valid
//     or not: junk in a lane delays a writer by one reload and cannot wedge the run.
//  3. A write without an answer is repeated with the same bytes and the same condition until there is one. A refusal
//     is believed only after a read from the stream's leader has shown that the write is not stored already, and the
//     read is believed only when it is as new as the refusal.
//  4. An activity has at most one task message: its subject holds one, and the broker refuses a second.
//  5. A run has at most one armed wake-up, and arming moves it only to an earlier time. A wake-up that fires means
//     "look at the clock", after which the next one is armed.
//
// # Safety
//
// Append and PublishStart answer nil only for a write that is stored, and ErrConflict only for one that is not and
// never will be. So at most one record follows a record, and at most one start follows a start. ErrUnavailable says
// that no answer came in time: the write may be stored, or may yet be. No decision depends on the broker's window for
// duplicate message IDs; where one is set, it only saves a repeated message.
//
// # Liveness
//
// Every operation retries through leader changes, restarts and lost connections for up to a minute, or until its
// context ends. A consumer that was deleted is created again and then delivers everything that is still stored, for the
// first time as far as it knows: receivers check what they get against the history. A wake-up fires at least once,
// never early, 250 ms to a failover late.
//
// # What callers must tolerate
//
// Everything delivered may be delivered again, also after its acknowledgement. Messages of one lane arrive out of order
// after one of them was handed back. Live records are a hint, which a Follower turns into an exact sequence by reading.
package streams
