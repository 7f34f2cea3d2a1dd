// Package encryption keeps payloads secret from whoever can read the streams: servers, backups and operators of the
// broker see which runs and activities there are, but not their arguments, results, signals, memos and failures.
//
// A Codec encrypts with AES-256-GCM. Its keys come from a KeyRing, which names each key, so that a new key can be brought
// in while payloads under old ones stay readable. Every payload is bound to the namespace and the workflow ID it belongs
// to, and to being of the run itself or of an activity of a named type: put elsewhere it does not decrypt. It is not
// bound to one run of the workflow ID: a signal may be sent to whichever is open, and what a run gives to its successor is
// read there.
//
// Search attributes are not encrypted, because the broker's index has to read them, and neither are IDs, types of
// workflows and activities, names of task queues, signals and queries, and the messages of failures, unless the failure
// converter is told to encode them (DefaultFailureConverterOptions.EncodeCommonAttributes).
package encryption
