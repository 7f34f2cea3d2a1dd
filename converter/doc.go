// Package converter turns Go values into payloads and back. A payload names its encoding in its metadata, so that
// readers in any language know what to do with its bytes and a namespace may hold several encodings at a time.
//
// A DataConverter works on whole argument lists; the usual one, CompositeDataConverter, asks a list of
// PayloadConverters in order. Everything here is safe for concurrent use, and no input from the wire makes it panic.
package converter
