// Package history holds the events of a run as programs and people read them: plain Go types with the names of
// Temporal's API. What is stored is described in docs/protocol.md; this is its readable form, complete enough for a
// replayer to run a workflow's code through it again.
package history
