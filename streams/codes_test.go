package streams

import (
	"errors"
	"testing"
)

// The two codes for a wrong last sequence mean different things, and this table is where that is decided.
func TestErrorClasses(t *testing.T) {
	t.Parallel()
	const (
		refused = "refused"
		again   = "again"
		full    = "full"
		large   = "too large"
		absent  = "absent"
		gone    = "object gone"
		exists  = "exists"
		denied  = "rejected"
	)
	for _, c := range []struct {
		code, status int
		text, want   string
	}{
		{10071, 400, "wrong last sequence: 17", refused},
		{10164, 400, "wrong last sequence", again},
		{10158, 409, "duplicate message id is in process", again},
		{10163, 503, "expected last sequence per subject temporarily unavailable", again},
		{10008, 503, "JetStream system temporarily unavailable", again},
		{10009, 500, "JetStream cluster can not handle request", again},
		{10023, 503, "insufficient resources", again},
		{10118, 500, "stream is offline", again},
		{10999, 503, "something new that is unavailable", again},
		{10077, 503, "maximum messages per subject exceeded", full},
		{10077, 503, "maximum bytes exceeded", full},
		{10077, 503, "message too large", large},
		{10054, 400, "message size exceeds maximum allowed", large},
		{10097, 400, "header size exceeds maximum allowed of 64k", large},
		{10037, 404, "no message found", absent},
		{10059, 404, "stream not found", gone},
		{10014, 404, "consumer not found", gone},
		{10058, 400, "stream name already in use with a different configuration", exists},
		{10148, 400, "consumer already exists", exists},
		{10109, 400, "invalid operation on sealed stream", denied},
		{10039, 503, "JetStream not enabled for account", denied},
		{10999, 400, "something new", denied},
	} {
		err := (&apiError{Status: c.status, Code: c.code, Description: c.text}).classified()
		got := denied
		var (
			r *refusedError
			u *unansweredError
			s *fullError
			m *missingError
			e *existsError
		)
		switch {
		case errors.As(err, &r):
			got = refused
		case errors.As(err, &u):
			got = again
		case errors.As(err, &s):
			got = full
		case errors.As(err, &e):
			got = exists
		case errors.As(err, &m):
			if got = gone; errors.Is(err, ErrNotFound) {
				got = absent
			}
		case errors.Is(err, ErrTooLarge):
			got = large
		case !errors.Is(err, ErrRejected):
			t.Errorf("%d %s: error %v has no class", c.code, c.text, err)
		}
		if got != c.want {
			t.Errorf("%d %s: %s, want %s", c.code, c.text, got, c.want)
		}
	}
}

func TestRefusalNamesLastSequence(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]refusedError{
		"wrong last sequence: 17": {last: 17, known: true}, "wrong last sequence": {}, "wrong last sequence: x": {},
	} {
		var r *refusedError
		if err := (&apiError{Code: 10071, Description: text}).classified(); !errors.As(err, &r) || *r != want {
			t.Errorf("%q: %+v, want %+v", text, r, want)
		}
	}
}
