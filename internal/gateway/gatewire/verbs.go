// Package gatewire holds what goes between a namespace's gateway and those who ask it: verbs, the JSON bodies of requests and
// replies, and the codes of errors. docs/protocol.md describes it for other languages.
//
// Whoever asks is not trusted. A body names no namespace and, where the subject names a task queue, no other one; what a
// body says of runs is about runs of the namespace in the subject.
package gatewire

import "github.com/millrace-dev/millrace/streams"

// Verb is one thing that a gateway does.
type Verb string

// The verbs.
const (
	Info            Verb = "info"
	Start           Verb = "start"
	SignalWithStart Verb = "signal-with-start"
	Signal          Verb = "signal"
	Cancel          Verb = "cancel"
	Terminate       Verb = "terminate"
	Query           Verb = "query"
	Update          Verb = "update"
	Outcome         Verb = "outcome"
	Describe        Verb = "describe"
	Result          Verb = "result"
	Poll            Verb = "poll"
	Complete        Verb = "complete"
	Heartbeat       Verb = "heartbeat"
)

// Verbs lists all verbs.
func Verbs() []Verb {
	return []Verb{Info, Start, SignalWithStart, Signal, Cancel, Terminate, Query, Update, Outcome, Describe, Result,
		Poll, Complete, Heartbeat}
}

// Queued says whether requests for the verb concern one task queue, which is in their subject.
func (v Verb) Queued() bool {
	switch v {
	case Start, SignalWithStart, Poll, Complete, Heartbeat:
		return true
	}
	return false
}

// OnWire is the verb as package streams knows it.
func (v Verb) OnWire() streams.GatewayVerb {
	return streams.GatewayVerb{Name: string(v), Queued: v.Queued()}
}
