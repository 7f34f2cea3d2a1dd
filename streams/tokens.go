package streams

import (
	"fmt"
	"strings"
)

// Limits of what users name. A subject must fit the broker's protocol line of 4096 bytes in its worst encoding.
const (
	maxWorkflowID = 1000 // bytes before encoding, at most three times as many after
	maxToken      = 200  // bytes after encoding: queues, builds and the like
	maxNamespace  = 64
)

const hexDigits = "0123456789ABCDEF"

// EncodeToken makes one subject token of any text: letters, digits, '_' and '-' stay, every other byte becomes "=XX",
// the empty text becomes "-" and the text "-" becomes "=2D". Different texts have different tokens.
func EncodeToken(s string) string {
	switch s {
	case "":
		return "-"
	case "-":
		return "=2D"
	}
	plain := 0
	for plain < len(s) && plainByte(s[plain]) {
		plain++
	}
	if plain == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*(len(s)-plain))
	b.WriteString(s[:plain])
	for i := plain; i < len(s); i++ {
		if c := s[i]; plainByte(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&0x0f])
		}
	}
	return b.String()
}

// DecodeToken is the text that EncodeToken made t of. A token that EncodeToken never makes is an error, so that no text
// has two tokens.
func DecodeToken(t string) (string, error) {
	if t == "-" {
		return "", nil
	}
	s, ok := decodeEscapes(t)
	if !ok || EncodeToken(s) != t {
		return "", fmt.Errorf("subject token %q is not one of ours", t)
	}
	return s, nil
}

func decodeEscapes(t string) (string, bool) {
	if strings.IndexByte(t, '=') < 0 {
		return t, true
	}
	b := make([]byte, 0, len(t))
	for i := 0; i < len(t); i++ {
		if t[i] != '=' {
			b = append(b, t[i])
			continue
		}
		if i+2 >= len(t) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, t[i+1]), strings.IndexByte(hexDigits, t[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), true
}

func plainByte(c byte) bool { return plainBytes[c] }

// plainBytes is never changed.
var plainBytes = func() (plain [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") {
		plain[c] = true
	}
	return plain
}()

// CheckWorkflowID says whether id can be a workflow ID: 1 to 1000 bytes.
func CheckWorkflowID(id string) error {
	if id == "" || len(id) > maxWorkflowID {
		return &InvalidError{Field: "workflow ID", Value: id, Limit: fmt.Sprintf("1 to %d bytes", maxWorkflowID)}
	}
	return nil
}

// CheckTaskQueue says whether name can be a task queue: 1 to 200 bytes, counting three for each byte that is not a
// letter, a digit, '_' or '-'.
func CheckTaskQueue(name string) error { return checkName("task queue", name) }

// CheckNamespace says whether name can be a namespace: 1 to 64 letters, digits, '_' and '-'.
func CheckNamespace(name string) error {
	ok := name != "" && len(name) <= maxNamespace
	for i := 0; ok && i < len(name); i++ {
		ok = plainByte(name[i])
	}
	if !ok {
		return &InvalidError{Field: "namespace", Value: name,
			Limit: fmt.Sprintf("1 to %d letters, digits, '_' and '-'", maxNamespace)}
	}
	return nil
}

// checkName is the rule for names that must not be empty; build is the one that may.
func checkName(field, name string) error {
	if name == "" || len(EncodeToken(name)) > maxToken {
		return &InvalidError{Field: field, Value: name,
			Limit: fmt.Sprintf("1 to %d bytes, where a byte other than a letter, digit, '_' or '-' counts three", maxToken)}
	}
	return nil
}

func checkBuild(build string) error {
	if build == "" {
		return nil
	}
	return checkName("build", build)
}
