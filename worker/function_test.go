package worker

import (
	"context"
	"reflect"
	"testing"

	"github.com/millrace-dev/millrace/converter"
)

func BenchmarkCallActivity(b *testing.B) {
	dc := converter.GetDefaultDataConverter()
	for name, test := range map[string]struct {
		fn   any
		args []any
	}{
		"bare":           {func(context.Context) error { return nil }, nil},
		"two and result": {func(_ context.Context, n int, s string) (string, error) { return s, nil }, []any{17, "order"}},
	} {
		b.Run(name, func(b *testing.B) {
			f, err := newFunction(name, reflect.ValueOf(test.fn))
			if err != nil {
				b.Fatal(err)
			}
			input, err := dc.ToPayloads(test.args...)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.call(b.Context(), input, dc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
