package streams

import (
	"errors"
	"strings"
	"testing"
)

func TestEncodeToken(t *testing.T) {
	t.Parallel()
	for text, token := range map[string]string{
		"": "-", "-": "=2D", "--": "--", "orders": "orders", "train-2012_01": "train-2012_01",
		"a.b": "a=2Eb", "*": "=2A", ">": "=3E", "=": "=3D", "a b": "a=20b", "é": "=C3=A9", "\x00\xff": "=00=FF",
	} {
		if got := EncodeToken(text); got != token {
			t.Errorf("token of %q is %q, want %q", text, got, token)
		}
		if got, err := DecodeToken(token); err != nil || got != text {
			t.Errorf("text of %q is %q, %v, want %q", token, got, err, text)
		}
	}
}

func TestDecodeTokenRefusesWhatIsNotEncoded(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "=", "=2", "=2d", "=41", "a.b", "a b", "=2D-", "é", "=GG"} {
		if text, err := DecodeToken(token); err == nil {
			t.Errorf("%q was decoded as %q", token, text)
		}
	}
}

func FuzzEncodeToken(f *testing.F) {
	f.Add("orders")
	f.Add("-")
	f.Add("a.b=c *>\x00é")
	f.Fuzz(func(t *testing.T, text string) {
		token := EncodeToken(text)
		if token == "" || strings.ContainsAny(token, ". *>\t\r\n") {
			t.Fatalf("%q became %q, which is not a token", text, token)
		}
		if got, err := DecodeToken(token); err != nil || got != text {
			t.Fatalf("%q became %q and then %q, %v", text, token, got, err)
		}
	})
}

func FuzzDecodeToken(f *testing.F) {
	f.Add("-")
	f.Add("=2D")
	f.Add("a=2Eb")
	f.Fuzz(func(t *testing.T, token string) {
		if text, err := DecodeToken(token); err == nil && EncodeToken(text) != token {
			t.Fatalf("%q and %q are tokens of %q", token, EncodeToken(text), text)
		}
	})
}

func TestLimitsOfNames(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"workflow ID": CheckWorkflowID(strings.Repeat("é", 501)), "task queue": CheckTaskQueue(strings.Repeat("é", 34)),
		"empty workflow ID": CheckWorkflowID(""), "empty queue": CheckTaskQueue(""),
		"namespace": CheckNamespace("a.b"), "long namespace": CheckNamespace(strings.Repeat("n", 65)), "empty namespace": CheckNamespace(""),
	} {
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field == "" || invalid.Limit == "" || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	for _, err := range []error{
		CheckWorkflowID(strings.Repeat("é", 500)), CheckTaskQueue(strings.Repeat("q", 200)), CheckNamespace(strings.Repeat("n", 64)),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
