package millrace_test

import (
	"reflect"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
)

func TestSearchAttributesKeepWhatWasSet(t *testing.T) {
	t.Parallel()
	word, text := millrace.NewSearchAttributeKeyKeyword("a"), millrace.NewSearchAttributeKeyString("a")
	list := millrace.NewSearchAttributeKeyKeywordList("list")
	at, n := millrace.NewSearchAttributeKeyTime("at"), millrace.NewSearchAttributeKeyInt64("n")
	share, yes := millrace.NewSearchAttributeKeyFloat64("share"), millrace.NewSearchAttributeKeyBool("yes")
	now, names := time.Now(), []string{"x", "y"}
	sa := millrace.NewSearchAttributes(word.ValueSet("early"), word.ValueSet("late"), list.ValueSet(names), at.ValueSet(now),
		n.ValueSet(3), share.ValueSet(0.5), yes.ValueSet(true))
	names[0] = "changed"
	if v, ok := sa.GetKeyword(word); v != "late" || !ok {
		t.Errorf("keyword is %q, %v", v, ok)
	}
	if v, ok := sa.GetString(text); ok || sa.ContainsKey(text) {
		t.Errorf("a keyword is taken for a text of the same name: %q", v)
	}
	got, _ := sa.GetKeywordList(list)
	if !reflect.DeepEqual(got, []string{"x", "y"}) {
		t.Errorf("list is %v", got)
	}
	got[0] = "changed"
	if again, _ := sa.GetKeywordList(list); again[0] != "x" {
		t.Error("the list that was returned is the attribute's own")
	}
	if v, ok := sa.GetTime(at); !v.Equal(now) || !ok {
		t.Errorf("time is %v", v)
	}
	i, _ := sa.GetInt64(n)
	f, _ := sa.GetFloat64(share)
	if b, _ := sa.GetBool(yes); i != 3 || f != 0.5 || !b || sa.Size() != 6 {
		t.Errorf("values are %v %v %v, size %d", i, f, b, sa.Size())
	}
	if n.GetName() != "n" || n.GetValueType().String() != "Int" || n.GetReflectType() != reflect.TypeFor[int64]() {
		t.Errorf("key is %s %v %v", n.GetName(), n.GetValueType(), n.GetReflectType())
	}
}

func TestUnsetSearchAttributeIsNotedNotForgotten(t *testing.T) {
	t.Parallel()
	a, b := millrace.NewSearchAttributeKeyKeyword("a"), millrace.NewSearchAttributeKeyBool("b")
	sa := millrace.NewSearchAttributes(a.ValueSet("1"), b.ValueSet(true), a.ValueUnset())
	if _, ok := sa.GetKeyword(a); ok || !sa.ContainsKey(a) {
		t.Error("a has a value, or is forgotten")
	}
	copied := millrace.NewSearchAttributes(a.ValueSet("2"), sa.Copy(), b.ValueSet(false))
	v, there := copied.GetUntypedValues()[a]
	if was, _ := sa.GetBool(b); v != nil || !there || !was {
		t.Errorf("copy has %v (%v), original %v", v, there, was)
	}
	var none millrace.SearchAttributes
	if none.Size() != 0 || len(none.GetUntypedValues()) != 0 {
		t.Error("zero value has attributes")
	}
	none.Copy()(&copied)
	if copied.Size() != 2 {
		t.Errorf("copy has %d attributes", copied.Size())
	}
}
