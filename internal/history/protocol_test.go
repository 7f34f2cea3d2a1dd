package history

import (
	"reflect"
	"strings"
)

// key is one msgpack key of a struct.
type key struct {
	Name     string
	Field    string
	Type     reflect.Type
	Optional bool
}

// keysOf lists the msgpack keys of a struct, those of inlined structs in their place.
func keysOf(typ reflect.Type) []key {
	var keys []key
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		if strings.Contains(options, "inline") {
			keys = append(keys, keysOf(f.Type)...)
			continue
		}
		keys = append(keys, key{Name: name, Field: f.Name, Type: f.Type, Optional: strings.Contains(options, "omitempty")})
	}
	return keys
}
