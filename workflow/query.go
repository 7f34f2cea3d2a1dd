package workflow

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
)

// reservedQueries begins the names of the queries that Millrace answers itself, such as "__stack_trace" (see metadata.go for others).
const reservedQueries = "__"

// SetQueryHandler lets a function answer queries of the given type. It takes the query's arguments, returns a value and
// an error, and must neither change anything nor block: what would change the run panics, and the query fails. A later
// handler of the same type replaces it. A closed run answers queries too.
func SetQueryHandler(ctx Context, queryType string, handler interface{}) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SetQueryHandler(ctx, queryType, handler)
	}
	return r.setQueryHandler(queryType, handler, QueryHandlerOptions{})
}

// QueryHandlerOptions are the options of SetQueryHandlerWithOptions.
type QueryHandlerOptions struct {
	// Description says for people what the query is for.
	Description string
}

// SetQueryHandlerWithOptions is SetQueryHandler with options.
func SetQueryHandlerWithOptions(ctx Context, queryType string, handler interface{}, options QueryHandlerOptions) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SetQueryHandlerWithOptions(ctx, queryType, handler, options)
	}
	return r.setQueryHandler(queryType, handler, options)
}

func (r *run) setQueryHandler(queryType string, handler interface{}, options QueryHandlerOptions) error {
	r.guard("SetQueryHandler")
	if queryType == "" || strings.HasPrefix(queryType, reservedQueries) {
		return fmt.Errorf("query handler: type %q is reserved: it is empty or begins with %q", queryType, reservedQueries)
	}
	h, err := newQueryHandler(handler)
	if err != nil {
		return fmt.Errorf("query handler of type %q: %w", queryType, err)
	}
	h.options = options
	r.queries[queryType] = h
	return nil
}

type queryHandler struct {
	fn      reflect.Value
	options QueryHandlerOptions
}

func newQueryHandler(handler interface{}) (*queryHandler, error) {
	fn := reflect.ValueOf(handler)
	if fn.Kind() != reflect.Func || fn.IsNil() {
		return nil, fmt.Errorf("a function is needed, not a %T", handler)
	}
	t := fn.Type()
	if t.IsVariadic() {
		return nil, fmt.Errorf("%v: variadic functions are not supported", t)
	}
	if t.NumOut() != 2 || t.Out(1) != reflect.TypeFor[error]() {
		return nil, fmt.Errorf("%v: the results must be a value and an error", t)
	}
	return &queryHandler{fn: fn}, nil
}

// query answers a query by the author's handler.
func (r *run) query(name string, args *common.Payloads) (*common.Payloads, error) {
	if own := r.ownAnswer(name); own != nil {
		return r.encode(own)
	}
	h, ok := r.queries[name]
	if !ok {
		return nil, r.unknownQuery(name)
	}
	in, err := decodeParameters(r, h.fn.Type(), 0, args)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", name, err)
	}
	answer, err := r.callQuery(name, h, in)
	if err != nil {
		return nil, err
	}
	result, err := r.encode(answer)
	if err != nil {
		return nil, fmt.Errorf("query %q: encode result: %w", name, err)
	}
	return result, nil
}

func (r *run) unknownQuery(name string) error {
	known := slices.Sorted(maps.Keys(r.queries))
	return fmt.Errorf("unknown query type %q: the workflow knows [%s]", name, strings.Join(known, ", "))
}

// callQuery calls a query handler, which may only read.
func (r *run) callQuery(name string, h *queryHandler, in []reflect.Value) (answer interface{}, err error) {
	r.readOnly("a query handler", func() {
		if r.inbound != nil {
			answer, err = r.queryInbound(name, in)
		} else {
			answer, err = h.call(in)
		}
	})
	return answer, err
}

func (h *queryHandler) call(in []reflect.Value) (interface{}, error) {
	out := h.fn.Call(in)
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// decodeParameters decodes payloads into new values of a function's parameters from the given one on; the caller sets
// the values before it.
func decodeParameters(r *run, fn reflect.Type, from int, payloads *common.Payloads) ([]reflect.Value, error) {
	pointers := make([]interface{}, fn.NumIn()-from)
	values := make([]reflect.Value, fn.NumIn())
	for i := range pointers {
		p := reflect.New(fn.In(from + i))
		pointers[i], values[from+i] = p.Interface(), p.Elem()
	}
	if err := r.converter(r.base, nil).FromPayloads(payloads, pointers...); err != nil {
		return nil, fmt.Errorf("decode arguments of %v: %w", fn, err)
	}
	return values, nil
}
