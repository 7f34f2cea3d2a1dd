package millrace

import (
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
)

// encodeAttributes returns f with the messages and stack traces of the whole chain encoded. It copies, since f may
// belong to an error. When encoding fails the text is lost: whoever asked for it to be encoded would rather miss it
// than see it leak.
func (c *DefaultFailureConverter) encodeAttributes(f *failure.Failure) *failure.Failure {
	return mapChain(f, func(f *failure.Failure) {
		if err := converter.EncodeCommonFailureAttributes(c.dataConverter, f); err != nil {
			f.Message, f.StackTrace = "failure attributes left out: they cannot be encoded", ""
		}
	})
}

// decodeAttributes returns f with the messages and stack traces of the whole chain decoded; f itself when none is
// encoded. What cannot be decoded stays encoded and its message says why.
func (c *DefaultFailureConverter) decodeAttributes(f *failure.Failure) *failure.Failure {
	if !anyEncoded(f) {
		return f
	}
	return mapChain(f, func(f *failure.Failure) { converter.DecodeCommonFailureAttributes(c.dataConverter, f) })
}

func anyEncoded(f *failure.Failure) bool {
	for n := 0; f != nil && n < maxCauses; n++ {
		if f.EncodedAttributes != nil {
			return true
		}
		f = f.Cause
	}
	return false
}

// mapChain returns a copy of the first maxCauses failures of a chain, each changed by change.
func mapChain(f *failure.Failure, change func(*failure.Failure)) *failure.Failure {
	var first *failure.Failure
	next := &first
	for n := 0; f != nil && n < maxCauses; n++ {
		link := *f
		link.Cause = nil
		change(&link)
		*next = &link
		next = &link.Cause
		f = f.Cause
	}
	return first
}
