package main

import (
	"encoding/json"
	"strings"
)

// memo makes a memo of KEY=JSON texts.
func memo(texts []string) (map[string]any, error) {
	fields := map[string]any{}
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" || !json.Valid([]byte(value)) {
			return nil, usagef("--memo %s: must be KEY=JSON, for example note='\"urgent\"'", shorten(text, 80))
		}
		fields[key] = rawJSON([]byte(value))
	}
	return fields, nil
}

// shellWord is s as one word of a shell's command line.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
