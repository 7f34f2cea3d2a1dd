package enums

import (
	"encoding/json"
	"strconv"
)

// IndexedValueType: kinds of search attributes.
type IndexedValueType int32

// The values of IndexedValueType.
const (
	INDEXED_VALUE_TYPE_UNSPECIFIED  IndexedValueType = 0
	INDEXED_VALUE_TYPE_TEXT         IndexedValueType = 1
	INDEXED_VALUE_TYPE_KEYWORD      IndexedValueType = 2
	INDEXED_VALUE_TYPE_INT          IndexedValueType = 3
	INDEXED_VALUE_TYPE_DOUBLE       IndexedValueType = 4
	INDEXED_VALUE_TYPE_BOOL         IndexedValueType = 5
	INDEXED_VALUE_TYPE_DATETIME     IndexedValueType = 6
	INDEXED_VALUE_TYPE_KEYWORD_LIST IndexedValueType = 7
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x IndexedValueType) String() string {
	switch x {
	case INDEXED_VALUE_TYPE_UNSPECIFIED:
		return "Unspecified"
	case INDEXED_VALUE_TYPE_TEXT:
		return "Text"
	case INDEXED_VALUE_TYPE_KEYWORD:
		return "Keyword"
	case INDEXED_VALUE_TYPE_INT:
		return "Int"
	case INDEXED_VALUE_TYPE_DOUBLE:
		return "Double"
	case INDEXED_VALUE_TYPE_BOOL:
		return "Bool"
	case INDEXED_VALUE_TYPE_DATETIME:
		return "Datetime"
	case INDEXED_VALUE_TYPE_KEYWORD_LIST:
		return "KeywordList"
	}
	return strconv.Itoa(int(x))
}

// MarshalJSON writes the value's name.
func (x IndexedValueType) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *IndexedValueType) UnmarshalJSON(data []byte) error {
	return parse(x, "IndexedValueType", data)
}
