package millrace

import (
	"reflect"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// SearchAttributeKey is the name of a search attribute with the type of its values. Keys with equal names and types are
// equal.
type SearchAttributeKey interface {
	// GetName returns the attribute's name.
	GetName() string
	// GetValueType returns how its values are indexed.
	GetValueType() enums.IndexedValueType
	// GetReflectType returns the Go type of its values.
	GetReflectType() reflect.Type
}

// SearchAttributeKeyString names a search attribute whose value is words, which are found one by one.
type SearchAttributeKeyString struct{ name string }

// NewSearchAttributeKeyString returns the key with the given name.
func NewSearchAttributeKeyString(name string) SearchAttributeKeyString {
	return SearchAttributeKeyString{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyString) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_TEXT.
func (k SearchAttributeKeyString) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_TEXT
}

// GetReflectType returns the type string.
func (k SearchAttributeKeyString) GetReflectType() reflect.Type { return reflect.TypeFor[string]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyString) ValueSet(value string) SearchAttributeUpdate { return set(k, value) }

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyString) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyKeyword names a search attribute whose value is text that is found as a whole.
type SearchAttributeKeyKeyword struct{ name string }

// NewSearchAttributeKeyKeyword returns the key with the given name.
func NewSearchAttributeKeyKeyword(name string) SearchAttributeKeyKeyword {
	return SearchAttributeKeyKeyword{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyKeyword) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_KEYWORD.
func (k SearchAttributeKeyKeyword) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_KEYWORD
}

// GetReflectType returns the type string.
func (k SearchAttributeKeyKeyword) GetReflectType() reflect.Type { return reflect.TypeFor[string]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyKeyword) ValueSet(value string) SearchAttributeUpdate { return set(k, value) }

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyKeyword) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyBool names a search attribute whose value is true or false.
type SearchAttributeKeyBool struct{ name string }

// NewSearchAttributeKeyBool returns the key with the given name.
func NewSearchAttributeKeyBool(name string) SearchAttributeKeyBool {
	return SearchAttributeKeyBool{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyBool) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_BOOL.
func (k SearchAttributeKeyBool) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_BOOL
}

// GetReflectType returns the type bool.
func (k SearchAttributeKeyBool) GetReflectType() reflect.Type { return reflect.TypeFor[bool]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyBool) ValueSet(value bool) SearchAttributeUpdate { return set(k, value) }

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyBool) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyInt64 names a search attribute whose value is an integer.
type SearchAttributeKeyInt64 struct{ name string }

// NewSearchAttributeKeyInt64 returns the key with the given name.
func NewSearchAttributeKeyInt64(name string) SearchAttributeKeyInt64 {
	return SearchAttributeKeyInt64{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyInt64) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_INT.
func (k SearchAttributeKeyInt64) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_INT
}

// GetReflectType returns the type int64.
func (k SearchAttributeKeyInt64) GetReflectType() reflect.Type { return reflect.TypeFor[int64]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyInt64) ValueSet(value int64) SearchAttributeUpdate { return set(k, value) }

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyInt64) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyFloat64 names a search attribute whose value is a floating-point number.
type SearchAttributeKeyFloat64 struct{ name string }

// NewSearchAttributeKeyFloat64 returns the key with the given name.
func NewSearchAttributeKeyFloat64(name string) SearchAttributeKeyFloat64 {
	return SearchAttributeKeyFloat64{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyFloat64) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_DOUBLE.
func (k SearchAttributeKeyFloat64) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_DOUBLE
}

// GetReflectType returns the type float64.
func (k SearchAttributeKeyFloat64) GetReflectType() reflect.Type { return reflect.TypeFor[float64]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyFloat64) ValueSet(value float64) SearchAttributeUpdate {
	return set(k, value)
}

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyFloat64) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyTime names a search attribute whose value is a moment.
type SearchAttributeKeyTime struct{ name string }

// NewSearchAttributeKeyTime returns the key with the given name.
func NewSearchAttributeKeyTime(name string) SearchAttributeKeyTime {
	return SearchAttributeKeyTime{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyTime) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_DATETIME.
func (k SearchAttributeKeyTime) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_DATETIME
}

// GetReflectType returns the type time.Time.
func (k SearchAttributeKeyTime) GetReflectType() reflect.Type { return reflect.TypeFor[time.Time]() }

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyTime) ValueSet(value time.Time) SearchAttributeUpdate { return set(k, value) }

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyTime) ValueUnset() SearchAttributeUpdate { return set(k, nil) }

// SearchAttributeKeyKeywordList names a search attribute whose value is a list of texts, each of which is found as a whole.
type SearchAttributeKeyKeywordList struct{ name string }

// NewSearchAttributeKeyKeywordList returns the key with the given name.
func NewSearchAttributeKeyKeywordList(name string) SearchAttributeKeyKeywordList {
	return SearchAttributeKeyKeywordList{name: name}
}

// GetName returns the attribute's name.
func (k SearchAttributeKeyKeywordList) GetName() string { return k.name }

// GetValueType returns INDEXED_VALUE_TYPE_KEYWORD_LIST.
func (k SearchAttributeKeyKeywordList) GetValueType() enums.IndexedValueType {
	return enums.INDEXED_VALUE_TYPE_KEYWORD_LIST
}

// GetReflectType returns the type []string.
func (k SearchAttributeKeyKeywordList) GetReflectType() reflect.Type {
	return reflect.TypeFor[[]string]()
}

// ValueSet returns the update that sets the attribute.
func (k SearchAttributeKeyKeywordList) ValueSet(values []string) SearchAttributeUpdate {
	return set(k, slices.Clone(values))
}

// ValueUnset returns the update that removes the attribute.
func (k SearchAttributeKeyKeywordList) ValueUnset() SearchAttributeUpdate { return set(k, nil) }
