package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
)

type grpcOnly struct{}

func (grpcOnly) GetHeaders(context.Context) (map[string]string, error) { return nil, nil }

func (grpcOnly) CheckCallAllowed(context.Context, string, interface{}, interface{}) error { return nil }

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]client.Options{
		"HeadersProvider":   {HeadersProvider: grpcOnly{}},
		"TrafficController": {TrafficController: grpcOnly{}},
	} {
		_, err := client.NewLazyClient(o)
		var invalid *serviceerror.InvalidArgument
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestTheConnectionNamesTheLibraryAroundIt(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]client.Options{
		"millrace me":             {Identity: "me"},
		"millrace me (other 1.2)": {Identity: "me", SdkName: "other", SdkVersion: "1.2"},
		"millrace me (other)":     {Identity: "me", SdkName: "other"},
	} {
		if got := client.ConnectionName(o); got != want {
			t.Errorf("name is %q, want %q", got, want)
		}
	}
}
