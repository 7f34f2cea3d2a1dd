// Package payloads moves payloads that are too large for messages out of them and back.
//
// A writer (client, coordinator, worker) calls Put before it publishes: what is large is stored, by default in NATS under
// its run and hash, and a small reference goes into the message and from there into the history. Readers decode through
// a data converter made by Converter, which puts the payload in the place of a reference.
//
// Workflow code must not wait for the broker, so the coordinator fetches what an event refers to before it gives the
// event to the code. What was fetched lives as long as the reference in memory that it was fetched for.
package payloads
