package workflow

import (
	"errors"
	"fmt"
	"maps"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

var (
	errNoSearchAttributes = errors.New("upsert search attributes: none are given")
	errNoMemo             = errors.New("upsert memo: no field is given")
)

// GetTypedSearchAttributes returns the search attributes that the run has now.
func GetTypedSearchAttributes(ctx Context) millrace.SearchAttributes {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetTypedSearchAttributes(ctx)
	}
	return r.search()
}

func (r *run) search() millrace.SearchAttributes { return history.DecodeSearch(r.env.Search()) }

// UpsertTypedSearchAttributes adds, replaces or removes search attributes of the run; others stay. They are carried over
// when the workflow continues as new.
func UpsertTypedSearchAttributes(ctx Context, searchAttributeUpdate ...millrace.SearchAttributeUpdate) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.UpsertTypedSearchAttributes(ctx, searchAttributeUpdate...)
	}
	return r.upsertTyped(searchAttributeUpdate)
}

func (r *run) upsertTyped(updates []millrace.SearchAttributeUpdate) error {
	r.guard("UpsertTypedSearchAttributes")
	changes, err := history.EncodeSearch(millrace.NewSearchAttributes(updates...))
	return r.upsertSearch(changes, err)
}

// UpsertSearchAttributes is UpsertTypedSearchAttributes for attributes whose types follow from the Go types of their
// values; nil removes one. Text cannot be told from keywords and becomes a keyword.
//
// Deprecated: use UpsertTypedSearchAttributes.
func UpsertSearchAttributes(ctx Context, attributes map[string]interface{}) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.UpsertSearchAttributes(ctx, attributes)
	}
	return r.upsertUntyped(attributes)
}

func (r *run) upsertUntyped(attributes map[string]interface{}) error {
	r.guard("UpsertSearchAttributes")
	changes, err := history.EncodeUntypedSearch(attributes)
	return r.upsertSearch(changes, err)
}

func (r *run) upsertSearch(changes *common.SearchAttributes, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("upsert search attributes: %w", err)
	case changes == nil:
		return errNoSearchAttributes
	}
	if err := r.env.UpsertSearch(changes); err != nil {
		return refused(err)
	}
	return nil
}

// UpsertMemo adds or replaces fields of the run's memo, and removes those whose value is nil; others stay. It is carried
// over when the workflow continues as new.
func UpsertMemo(ctx Context, memo map[string]interface{}) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.UpsertMemo(ctx, memo)
	}
	return r.upsertMemo(memo)
}

func (r *run) upsertMemo(memo map[string]interface{}) error {
	r.guard("UpsertMemo")
	if len(memo) == 0 {
		return errNoMemo
	}
	changes, err := r.encodeMemo(withoutNil(memo), nil)
	if err != nil {
		return fmt.Errorf("upsert memo: %w", err)
	}
	if changes == nil {
		changes = &common.Memo{Fields: map[string]*common.Payload{}}
	}
	for name, value := range memo {
		if value == nil {
			changes.Fields[name] = history.Null()
		}
	}
	if err := r.env.UpsertMemo(changes); err != nil {
		return refused(err)
	}
	return nil
}

func withoutNil(memo map[string]interface{}) map[string]interface{} {
	there := maps.Clone(memo)
	maps.DeleteFunc(there, func(_ string, v interface{}) bool { return v == nil })
	return there
}
