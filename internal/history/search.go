package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// ChangeVersions is the search attribute in which a run keeps the versions that its code has chosen, each as the change
// ID, "-" and the version.
const ChangeVersions = "TemporalChangeVersion"

// The metadata of a search attribute's payload.
const (
	metadataEncoding = "encoding"
	metadataType     = "type"
	encodingJSON     = "json/plain"
	encodingNull     = "binary/null"
)

// EncodeSearch encodes search attributes: as JSON, whatever data converter the run's own values have, so that an index
// can read them. It returns nil for none.
func EncodeSearch(sa millrace.SearchAttributes) (*common.SearchAttributes, error) {
	if sa.Size() == 0 {
		return nil, nil
	}
	fields := make(map[string]*common.Payload, sa.Size())
	values := sa.GetUntypedValues()
	keys := slices.SortedFunc(maps.Keys(values), compareKeys)
	for _, key := range keys {
		if _, twice := fields[key.GetName()]; twice {
			return nil, fmt.Errorf("search attribute %q is set twice, with different types", key.GetName())
		}
		p, err := searchPayload(key.GetName(), values[key], key.GetValueType())
		if err != nil {
			return nil, err
		}
		fields[key.GetName()] = p
	}
	return &common.SearchAttributes{IndexedFields: fields}, nil
}

func compareKeys(a, b millrace.SearchAttributeKey) int {
	if a.GetName() != b.GetName() {
		if a.GetName() < b.GetName() {
			return -1
		}
		return 1
	}
	return int(a.GetValueType() - b.GetValueType())
}

// EncodeUntypedSearch is EncodeSearch for values whose Go types say what they are; nil removes an attribute.
func EncodeUntypedSearch(attributes map[string]any) (*common.SearchAttributes, error) {
	if len(attributes) == 0 {
		return nil, nil
	}
	fields := make(map[string]*common.Payload, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		p, err := searchPayload(name, attributes[name], indexedType(attributes[name]))
		if err != nil {
			return nil, err
		}
		fields[name] = p
	}
	return &common.SearchAttributes{IndexedFields: fields}, nil
}

// indexedType is how a value of no declared type is indexed, unspecified when its Go type does not tell.
func indexedType(v any) enums.IndexedValueType {
	switch v.(type) {
	case time.Time, *time.Time:
		return enums.INDEXED_VALUE_TYPE_DATETIME
	case []string:
		return enums.INDEXED_VALUE_TYPE_KEYWORD_LIST
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.String:
		return enums.INDEXED_VALUE_TYPE_KEYWORD
	case reflect.Bool:
		return enums.INDEXED_VALUE_TYPE_BOOL
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return enums.INDEXED_VALUE_TYPE_INT
	case reflect.Float32, reflect.Float64:
		return enums.INDEXED_VALUE_TYPE_DOUBLE
	}
	return enums.INDEXED_VALUE_TYPE_UNSPECIFIED
}

var errNoName = errors.New("a search attribute has an empty name")

func searchPayload(name string, value any, t enums.IndexedValueType) (*common.Payload, error) {
	switch {
	case name == "":
		return nil, errNoName
	case name == ChangeVersions:
		return nil, fmt.Errorf("search attribute %q is reserved: GetVersion sets it", name)
	}
	return newSearchPayload(name, value, t)
}

func newSearchPayload(name string, value any, t enums.IndexedValueType) (*common.Payload, error) {
	metadata := map[string][]byte{}
	if t != enums.INDEXED_VALUE_TYPE_UNSPECIFIED {
		metadata[metadataType] = []byte(t.String())
	}
	if value == nil {
		metadata[metadataEncoding] = []byte(encodingNull)
		return &common.Payload{Metadata: metadata}, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("search attribute %q: %w", name, err)
	}
	metadata[metadataEncoding] = []byte(encodingJSON)
	return &common.Payload{Metadata: metadata, Data: data}, nil
}

// EncodeChangeVersions encodes the search attribute ChangeVersions.
func EncodeChangeVersions(versions []string) (*common.SearchAttributes, error) {
	p, err := newSearchPayload(ChangeVersions, versions, enums.INDEXED_VALUE_TYPE_KEYWORD_LIST)
	if err != nil {
		return nil, err
	}
	return &common.SearchAttributes{IndexedFields: map[string]*common.Payload{ChangeVersions: p}}, nil
}

// DecodeSearch decodes search attributes. What has no type, or does not fit it, is left out.
func DecodeSearch(sa *common.SearchAttributes) millrace.SearchAttributes {
	var updates []millrace.SearchAttributeUpdate
	for name, p := range sa.GetIndexedFields() {
		if update := searchUpdate(name, p); update != nil {
			updates = append(updates, update)
		}
	}
	return millrace.NewSearchAttributes(updates...)
}

func searchUpdate(name string, p *common.Payload) millrace.SearchAttributeUpdate {
	switch string(p.GetMetadata()[metadataType]) {
	case enums.INDEXED_VALUE_TYPE_TEXT.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyString(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_KEYWORD.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyKeyword(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_INT.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyInt64(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_DOUBLE.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyFloat64(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_BOOL.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyBool(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_DATETIME.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyTime(name).ValueSet)
	case enums.INDEXED_VALUE_TYPE_KEYWORD_LIST.String():
		return decodeInto(p, millrace.NewSearchAttributeKeyKeywordList(name).ValueSet)
	}
	return nil
}

func decodeInto[T any](p *common.Payload, set func(T) millrace.SearchAttributeUpdate) millrace.SearchAttributeUpdate {
	var v T
	if isNull(p) || json.Unmarshal(p.GetData(), &v) != nil {
		return nil
	}
	return set(v)
}

// maxSearchText is the longest text of search attributes that is repeated where it can be read without decoding.
const maxSearchText = 1 << 10

// SearchText is a JSON object of search attributes, by name, in ASCII; empty for none, and when it would be longer than
// 1 KiB or an attribute is not JSON.
func SearchText(sa *common.SearchAttributes) string {
	fields := sa.GetIndexedFields()
	if len(fields) == 0 {
		return ""
	}
	values := make(map[string]json.RawMessage, len(fields))
	for name, p := range fields {
		if string(p.GetMetadata()[metadataEncoding]) != encodingJSON {
			return ""
		}
		values[name] = p.Data
	}
	text, err := json.Marshal(values)
	if err != nil || len(text) > maxSearchText {
		return ""
	}
	return ascii(string(text))
}

// ascii escapes what is not ASCII in a JSON text: it can only be in strings.
func ascii(text string) string {
	plain := make([]byte, 0, len(text))
	for _, r := range text {
		if r < utf8.RuneSelf {
			plain = append(plain, byte(r))
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			plain = fmt.Appendf(plain, "\\u%04x", unit)
		}
	}
	return string(plain)
}

// Null is the payload that removes the field of a memo, whatever codec the run's own values go through.
func Null() *common.Payload {
	return &common.Payload{Metadata: map[string][]byte{metadataEncoding: []byte(encodingNull)}}
}

// isNull says whether a payload is the mark of what is removed.
func isNull(p *common.Payload) bool {
	return p == nil || string(p.Metadata[metadataEncoding]) == encodingNull || len(p.Metadata) == 0 && len(p.Data) == 0
}

// mergeFields is base with the changes applied: null removes a field. Neither is changed; the result is nil when nothing
// is left.
func mergeFields(base, changes map[string]*common.Payload) map[string]*common.Payload {
	merged := make(map[string]*common.Payload, len(base)+len(changes))
	maps.Copy(merged, base)
	for name, p := range changes {
		if isNull(p) {
			delete(merged, name)
		} else {
			merged[name] = p
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

// MergeSearch is sa with changes applied, which removes the attributes whose new value is null. Neither is changed.
func MergeSearch(sa, changes *common.SearchAttributes) *common.SearchAttributes {
	if fields := mergeFields(sa.GetIndexedFields(), changes.GetIndexedFields()); fields != nil {
		return &common.SearchAttributes{IndexedFields: fields}
	}
	return nil
}

// MergeMemo is memo with changes applied, which removes the fields whose new value is null. Neither is changed.
func MergeMemo(memo, changes *common.Memo) *common.Memo {
	if fields := mergeFields(memo.GetFields(), changes.GetFields()); fields != nil {
		return &common.Memo{Fields: fields}
	}
	return nil
}
