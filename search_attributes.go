package millrace

import (
	"maps"
	"slices"
	"time"
)

// SearchAttributes are indexed information about a run, by which people find it. Make them with NewSearchAttributes; a
// value of it never changes and may be shared. The zero value has none.
type SearchAttributes struct {
	// values are by key. Nil says that the attribute is to be removed.
	values map[SearchAttributeKey]any
}

// SearchAttributeUpdate sets or removes an attribute, or several: what the methods of keys return.
type SearchAttributeUpdate func(*SearchAttributes)

// NewSearchAttributes returns the attributes that the updates make, a later one replacing earlier ones of the same key.
func NewSearchAttributes(attributes ...SearchAttributeUpdate) SearchAttributes {
	sa := SearchAttributes{values: map[SearchAttributeKey]any{}}
	for _, update := range attributes {
		update(&sa)
	}
	return sa
}

// valueOf is the value of a key, false when it is not set or of another type.
func valueOf[T any](sa SearchAttributes, key SearchAttributeKey) (T, bool) {
	v, ok := sa.values[key].(T)
	return v, ok
}

// GetString returns the value of key, false when it is not set.
func (sa SearchAttributes) GetString(key SearchAttributeKeyString) (string, bool) {
	return valueOf[string](sa, key)
}

// GetKeyword returns the value of key, false when it is not set.
func (sa SearchAttributes) GetKeyword(key SearchAttributeKeyKeyword) (string, bool) {
	return valueOf[string](sa, key)
}

// GetBool returns the value of key, false when it is not set.
func (sa SearchAttributes) GetBool(key SearchAttributeKeyBool) (bool, bool) {
	return valueOf[bool](sa, key)
}

// GetInt64 returns the value of key, false when it is not set.
func (sa SearchAttributes) GetInt64(key SearchAttributeKeyInt64) (int64, bool) {
	return valueOf[int64](sa, key)
}

// GetFloat64 returns the value of key, false when it is not set.
func (sa SearchAttributes) GetFloat64(key SearchAttributeKeyFloat64) (float64, bool) {
	return valueOf[float64](sa, key)
}

// GetTime returns the value of key, false when it is not set.
func (sa SearchAttributes) GetTime(key SearchAttributeKeyTime) (time.Time, bool) {
	return valueOf[time.Time](sa, key)
}

// GetKeywordList returns a copy of the value of key, false when it is not set.
func (sa SearchAttributes) GetKeywordList(key SearchAttributeKeyKeywordList) ([]string, bool) {
	v, ok := valueOf[[]string](sa, key)
	return slices.Clone(v), ok
}

// ContainsKey says whether an attribute is set, or noted to be removed.
func (sa SearchAttributes) ContainsKey(key SearchAttributeKey) bool {
	_, ok := sa.values[key]
	return ok
}

// Size is the number of attributes, those that are noted to be removed among them.
func (sa SearchAttributes) Size() int { return len(sa.values) }

// GetUntypedValues returns all attributes by their keys, nil for those that are noted to be removed.
func (sa SearchAttributes) GetUntypedValues() map[SearchAttributeKey]interface{} {
	values := make(map[SearchAttributeKey]interface{}, len(sa.values))
	for key, v := range sa.values {
		if list, ok := v.([]string); ok {
			v = slices.Clone(list)
		}
		values[key] = v
	}
	return values
}

// Copy returns the update that sets all attributes of sa.
func (sa SearchAttributes) Copy() SearchAttributeUpdate {
	values := sa.GetUntypedValues()
	return func(to *SearchAttributes) {
		if to.values == nil {
			to.values = map[SearchAttributeKey]any{}
		}
		maps.Copy(to.values, values)
	}
}

// set returns the update that gives key a value, nil to remove it.
func set(key SearchAttributeKey, value any) SearchAttributeUpdate {
	return func(sa *SearchAttributes) {
		if sa.values == nil {
			sa.values = map[SearchAttributeKey]any{}
		}
		sa.values[key] = value
	}
}
