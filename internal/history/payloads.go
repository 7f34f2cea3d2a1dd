package history

import (
	"reflect"
	"slices"
	"sync"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
)

// PayloadsVisitor is called with each list of payloads and the run that it belongs to, and returns the list to have in
// its place, which may be the same one. It must not change the one that it is given.
type PayloadsVisitor func(run Run, list *common.Payloads) (*common.Payloads, error)

// MapPayloads returns e, an event of run own, with the arguments, results and details that visit returns in place of
// its own, in failures too. Memos, headers and search attributes are not visited. Most payloads belong to run own; those
// that begin another run (a child, a successor) to that one. E is not changed: parts of it are copied where something
// is replaced.
func (e Event) MapPayloads(own Run, visit PayloadsVisitor) (Event, error) {
	fields := payloadFields()[reflect.TypeOf(e.Attributes)]
	if len(fields) == 0 {
		return e, nil
	}
	if a, ok := e.Attributes.(*StartChildWorkflowExecutionInitiated); ok {
		own = Run{WorkflowID: a.WorkflowID, RunID: a.RunID}
	}
	was := reflect.ValueOf(e.Attributes).Elem()
	changed, err := mapFields(was, fields, own, visit)
	if err == nil && changed.IsValid() {
		e.Attributes = changed.Addr().Interface().(Attributes)
	}
	return e, err
}

// MapPayloads returns s with the lists that visit returns in place of its own; see Event.MapPayloads.
func (s *Start) MapPayloads(visit PayloadsVisitor) (*Start, error) {
	changed, err := mapFields(reflect.ValueOf(s).Elem(), payloadFields()[reflect.TypeFor[*Start]()], s.Run.Run, visit)
	if err != nil || !changed.IsValid() {
		return s, err
	}
	return changed.Addr().Interface().(*Start), nil
}

// MapFailurePayloads returns f with the lists that visit returns in place of its own, as those of run own.
func MapFailurePayloads(f *failure.Failure, own Run, visit PayloadsVisitor) (*failure.Failure, error) {
	if f == nil {
		return nil, nil
	}
	changed := *f
	cause, err := MapFailurePayloads(f.Cause, own, visit)
	if err != nil {
		return nil, err
	}
	changed.Cause = cause
	if i := f.ApplicationFailureInfo; i != nil {
		info := *i
		if info.Details, err = visitList(info.Details, own, visit); err != nil {
			return nil, err
		}
		changed.ApplicationFailureInfo = &info
	}
	if i := f.CanceledFailureInfo; i != nil {
		info := *i
		if info.Details, err = visitList(info.Details, own, visit); err != nil {
			return nil, err
		}
		changed.CanceledFailureInfo = &info
	}
	if i := f.TimeoutFailureInfo; i != nil {
		info := *i
		if info.LastHeartbeatDetails, err = visitList(info.LastHeartbeatDetails, own, visit); err != nil {
			return nil, err
		}
		changed.TimeoutFailureInfo = &info
	}
	if sameDetails(f, &changed) {
		return f, nil
	}
	return &changed, nil
}

// AnyPayload says whether test is true for one of the payloads that MapPayloads visits.
func (e Event) AnyPayload(test func(*common.Payload) bool) bool {
	switch a := e.Attributes.(type) { // those that most steps are made of need no reflection
	case *ActivityTaskScheduled:
		return slices.ContainsFunc(a.Input.GetPayloads(), test)
	case *ActivityTaskCompleted:
		return slices.ContainsFunc(a.Result.GetPayloads(), test)
	}
	return anyIn(reflect.ValueOf(e.Attributes), test)
}

// AnyPayload says whether test is true for one of the payloads that MapPayloads visits.
func (s *Start) AnyPayload(test func(*common.Payload) bool) bool {
	return anyIn(reflect.ValueOf(s), test)
}

// anyIn looks at the struct that v points to.
func anyIn(v reflect.Value, test func(*common.Payload) bool) bool {
	for _, i := range payloadFields()[v.Type()] {
		f := v.Elem().Field(i)
		if f.Kind() == reflect.Struct {
			f = f.Addr()
		}
		if f.IsNil() {
			continue
		}
		switch held := f.Interface().(type) {
		case *common.Payloads:
			if slices.ContainsFunc(held.Payloads, test) {
				return true
			}
		case *failure.Failure:
			if anyInFailure(held, test) {
				return true
			}
		default:
			if anyIn(f, test) {
				return true
			}
		}
	}
	return false
}

func anyInFailure(f *failure.Failure, test func(*common.Payload) bool) bool {
	for ; f != nil; f = f.Cause {
		if i := f.ApplicationFailureInfo; i != nil && slices.ContainsFunc(i.Details.GetPayloads(), test) {
			return true
		}
		if i := f.CanceledFailureInfo; i != nil && slices.ContainsFunc(i.Details.GetPayloads(), test) {
			return true
		}
		if i := f.TimeoutFailureInfo; i != nil && slices.ContainsFunc(i.LastHeartbeatDetails.GetPayloads(), test) {
			return true
		}
	}
	return false
}

func sameDetails(a, b *failure.Failure) bool {
	return a.Cause == b.Cause &&
		(a.ApplicationFailureInfo == nil || a.ApplicationFailureInfo.Details == b.ApplicationFailureInfo.Details) &&
		(a.CanceledFailureInfo == nil || a.CanceledFailureInfo.Details == b.CanceledFailureInfo.Details) &&
		(a.TimeoutFailureInfo == nil || a.TimeoutFailureInfo.LastHeartbeatDetails == b.TimeoutFailureInfo.LastHeartbeatDetails)
}

func visitList(list *common.Payloads, own Run, visit PayloadsVisitor) (*common.Payloads, error) {
	if len(list.GetPayloads()) == 0 {
		return list, nil
	}
	return visit(own, list)
}

// payloadFields are, by the type of a pointer to the struct, the fields that hold lists of payloads, failures, or
// structs with such fields. The types are looked at once.
var payloadFields = sync.OnceValue(func() map[reflect.Type][]int {
	found := map[reflect.Type][]int{}
	findPayloads(reflect.TypeFor[*Start](), found)
	for _, p := range recordPlans().events {
		findPayloads(p.pointer, found)
	}
	return found
})

// findPayloads looks at the struct that t points to and says whether there are payloads in it.
func findPayloads(t reflect.Type, found map[reflect.Type][]int) bool {
	if fields, ok := found[t]; ok {
		return len(fields) > 0
	}
	found[t] = nil
	var fields []int
	for i := range t.Elem().NumField() {
		ft := t.Elem().Field(i).Type
		switch ft {
		case reflect.TypeFor[*common.Payloads](), reflect.TypeFor[*failure.Failure]():
			fields = append(fields, i)
			continue
		case reflect.TypeFor[*common.Header](), reflect.TypeFor[*common.Memo](), reflect.TypeFor[*common.SearchAttributes]():
			continue
		}
		if ft.Kind() == reflect.Struct {
			ft = reflect.PointerTo(ft)
		}
		if ft.Kind() == reflect.Pointer && ft.Elem().Kind() == reflect.Struct && findPayloads(ft, found) {
			fields = append(fields, i)
		}
	}
	found[t] = fields
	return len(fields) > 0
}

// mapFields returns an addressable copy of the struct v with what visit returns, the zero Value when all stays as it is.
func mapFields(v reflect.Value, fields []int, own Run, visit PayloadsVisitor) (reflect.Value, error) {
	var changed reflect.Value
	for _, i := range fields {
		was := v.Field(i)
		now, err := mapField(was, own, visit)
		if err != nil {
			return reflect.Value{}, err
		}
		if !now.IsValid() {
			continue
		}
		if !changed.IsValid() {
			changed = reflect.New(v.Type()).Elem()
			changed.Set(v)
		}
		changed.Field(i).Set(now)
	}
	return changed, nil
}

// mapField returns the new value of a field, the zero Value when it stays as it is.
func mapField(v reflect.Value, own Run, visit PayloadsVisitor) (reflect.Value, error) {
	if v.Kind() == reflect.Struct {
		return mapFields(v, payloadFields()[reflect.PointerTo(v.Type())], own, visit)
	}
	if v.IsNil() {
		return reflect.Value{}, nil
	}
	switch was := v.Interface().(type) {
	case *common.Payloads:
		now, err := visitList(was, own, visit)
		if err != nil || now == was {
			return reflect.Value{}, err
		}
		return reflect.ValueOf(now), nil
	case *failure.Failure:
		now, err := MapFailurePayloads(was, own, visit)
		if err != nil || now == was {
			return reflect.Value{}, err
		}
		return reflect.ValueOf(now), nil
	case *Successor:
		own = Run{WorkflowID: own.WorkflowID, RunID: was.RunID}
	}
	now, err := mapFields(v.Elem(), payloadFields()[v.Type()], own, visit)
	if err != nil || !now.IsValid() {
		return reflect.Value{}, err
	}
	return now.Addr(), nil
}
