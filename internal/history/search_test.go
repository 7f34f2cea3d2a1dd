package history

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
)

func TestSearchAttributesSurviveTheWire(t *testing.T) {
	want := millrace.NewSearchAttributes(
		millrace.NewSearchAttributeKeyString("text").ValueSet("two words"),
		millrace.NewSearchAttributeKeyKeyword("word").ValueSet("word"),
		millrace.NewSearchAttributeKeyInt64("n").ValueSet(1<<53+1),
		millrace.NewSearchAttributeKeyFloat64("f").ValueSet(0.25),
		millrace.NewSearchAttributeKeyBool("b").ValueSet(true),
		millrace.NewSearchAttributeKeyTime("at").ValueSet(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)),
		millrace.NewSearchAttributeKeyKeywordList("list").ValueSet([]string{"x", "y"}),
	)
	encoded, err := EncodeSearch(want)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, DecodeSearch(encoded).GetUntypedValues(), want.GetUntypedValues())
	p := encoded.IndexedFields["n"]
	if string(p.Metadata["type"]) != "Int" || string(p.Metadata["encoding"]) != "json/plain" || string(p.Data) != "9007199254740993" {
		t.Errorf("payload is %s %s", p.Metadata, p.Data)
	}
}

func TestSearchTextIsJSONInASCII(t *testing.T) {
	sa, err := EncodeUntypedSearch(map[string]any{"n": 7, "Größe": "M \U0001F600\n", "list": []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	text := SearchText(sa)
	if want := `{"Gr\u00f6\u00dfe":"M \ud83d\ude00\n","list":["a"],"n":7}`; text != want {
		t.Errorf("text is %s, want %s", text, want)
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(text), &back); err != nil || back["Größe"] != "M \U0001F600\n" {
		t.Errorf("reads as %v, %v", back, err)
	}
	long, err := EncodeUntypedSearch(map[string]any{"x": strings.Repeat("x", 1024)})
	if err != nil {
		t.Fatal(err)
	}
	if SearchText(long) != "" || SearchText(nil) != "" {
		t.Error("too long a text, or one of nothing")
	}
}

func TestUntypedSearchAttributesGetTheTypeOfTheirValue(t *testing.T) {
	encoded, err := EncodeUntypedSearch(map[string]any{"n": int32(7), "word": "x", "f": float32(1), "b": false,
		"at": t0, "list": []string{"a"}, "gone": nil, "odd": []int{1}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"n": "Int", "word": "Keyword", "f": "Double", "b": "Bool", "at": "Datetime",
		"list": "KeywordList", "gone": "", "odd": ""} {
		if got := string(encoded.IndexedFields[name].Metadata["type"]); got != want {
			t.Errorf("%s has type %q, want %q", name, got, want)
		}
	}
	if n := DecodeSearch(encoded).Size(); n != 6 {
		t.Errorf("%d attributes have a type", n)
	}
}

func TestSearchAttributesThatCannotBe(t *testing.T) {
	word := millrace.NewSearchAttributeKeyKeyword
	for want, sa := range map[string]millrace.SearchAttributes{
		"empty name": millrace.NewSearchAttributes(word("").ValueSet("x")),
		"reserved":   millrace.NewSearchAttributes(word(ChangeVersions).ValueSet("x")),
		"set twice":  millrace.NewSearchAttributes(word("a").ValueSet("x"), millrace.NewSearchAttributeKeyString("a").ValueSet("x")),
	} {
		if _, err := EncodeSearch(sa); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := EncodeUntypedSearch(map[string]any{"f": func() {}}); err == nil {
		t.Error("a function has an encoding")
	}
}

func TestUpsertsMergeIntoTheState(t *testing.T) {
	start := &Start{Run: Address{Run: Run{WorkflowID: "w", RunID: "r"}}, Time: t0,
		Memo: &common.Memo{Fields: map[string]*common.Payload{"kept": {Data: []byte("1")}, "gone": {Data: []byte("2")}}}}
	null, err := newSearchPayload("gone", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := NewState(start)
	sa, err := EncodeUntypedSearch(map[string]any{"a": 1, "b": "x"})
	if err != nil {
		t.Fatal(err)
	}
	without, err := EncodeUntypedSearch(map[string]any{"b": nil})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(&Transition{RunID: "r", Number: 1, Time: t0, Events: []Event{
		NewEvent(2, &UpsertWorkflowSearchAttributes{Search: sa}),
		NewEvent(3, &UpsertWorkflowSearchAttributes{Search: without}),
		NewEvent(4, &WorkflowPropertiesModified{Memo: &common.Memo{Fields: map[string]*common.Payload{
			"new": {Data: []byte("3")}, "gone": null}}}),
	}}); err != nil {
		t.Fatal(err)
	}
	if s.Search.IndexedFields["a"] == nil || len(s.Search.IndexedFields) != 1 {
		t.Errorf("search attributes are %v", s.Search.IndexedFields)
	}
	if f := s.Memo.Fields; f["kept"] == nil || f["new"] == nil || len(f) != 2 || len(start.Memo.Fields) != 2 || start.Memo.Fields["gone"] == nil {
		t.Errorf("memo is %v, the start's %v", f, start.Memo.Fields)
	}
}
