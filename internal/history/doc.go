// Package history is the vocabulary of storage: the start of a run, its transitions and the events in them, the
// messages that wait in its inbox, the tasks that its activities become, and the state that follows from all of
// these. It encodes and decodes them, and it decides nothing that needs workflow code, a clock or the broker.
//
// A run's history is its start (event 1) followed by transitions 1, 2, 3, ...; each transition is one record, the
// unit of commit and of replay, and holds first the events that messages brought, then the events that the
// workflow code decided. Events are numbered through the whole run without gap.
package history
