package converter_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// mapDriver stores payloads in memory, not concurrently.
type mapDriver struct {
	name   string
	stored map[string]*common.Payload
}

func (d *mapDriver) Name() string { return d.name }
func (d *mapDriver) Type() string { return "map" }

func (d *mapDriver) Store(_ converter.StorageDriverStoreContext, ps []*common.Payload) ([]converter.StorageDriverClaim, error) {
	var claims []converter.StorageDriverClaim
	for _, p := range ps {
		key := strconv.Itoa(len(d.stored))
		d.stored[key] = p
		claims = append(claims, converter.StorageDriverClaim{ClaimData: map[string]string{"key": key}})
	}
	return claims, nil
}

func (d *mapDriver) Retrieve(_ converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	var ps []*common.Payload
	for _, c := range claims {
		p := d.stored[c.ClaimData["key"]]
		if p == nil {
			return nil, converter.ErrPayloadLost
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// byEncoding sends bytes to one driver and leaves the rest.
type byEncoding struct{ driver converter.StorageDriver }

func (s byEncoding) SelectDriver(_ converter.StorageDriverStoreContext, p *common.Payload) (converter.StorageDriver, error) {
	if string(p.Metadata["encoding"]) == converter.MetadataEncodingBinary {
		return s.driver, nil
	}
	return nil, nil
}

func TestPayloadsFromTheThresholdOnAreStored(t *testing.T) {
	t.Parallel()
	driver := &mapDriver{name: "map", stored: map[string]*common.Payload{}}
	// 22 bytes of metadata: "encoding" and "binary/plain" are 20.
	s := must(converter.NewPayloadStore(converter.ExternalStorage{Drivers: []converter.StorageDriver{driver}, PayloadSizeThreshold: 30}))(t)
	ps := must(converter.GetDefaultDataConverter().ToPayloads(make([]byte, 9), make([]byte, 10)))(t).Payloads
	store, retrieve := converter.StorageDriverStoreContext{Context: context.Background()}, converter.StorageDriverRetrieveContext{Context: context.Background()}
	got := must(s.Store(store, ps))(t)
	if got[0] != ps[0] || !converter.IsReference(got[1]) || converter.IsReference(ps[1]) || len(driver.stored) != 1 {
		t.Fatalf("got %v", got)
	}
	again := must(s.Store(store, got))(t)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("storing references: %s", diff)
	}
	if r := must(converter.ReadReference(got[1]))(t); r.Driver != "map" || r.Size != 30 {
		t.Errorf("reference %+v", r)
	}
	if text, want := converter.GetDefaultDataConverter().ToString(got[1]), `30 bytes, stored by "map"`; text != want {
		t.Errorf("reference shows as %q, want %q", text, want)
	}
	whole := must(s.Retrieve(retrieve, got))(t)
	if diff := cmp.Diff(ps, whole); diff != "" {
		t.Error(diff)
	}
	if same := must(s.Retrieve(retrieve, ps))(t); &same[0] != &ps[0] {
		t.Error("a list without references is copied")
	}
	clear(driver.stored)
	if _, err := s.Retrieve(retrieve, got); !errors.Is(err, converter.ErrPayloadLost) {
		t.Errorf("lost payload: %v", err)
	}
	other := must(converter.NewPayloadStore(converter.ExternalStorage{Drivers: []converter.StorageDriver{&mapDriver{name: "other"}}}))(t)
	if _, err := other.Retrieve(retrieve, got); err == nil || !strings.Contains(err.Error(), `"map"`) {
		t.Errorf("unknown driver: %v", err)
	}
}

func TestSelectorChoosesOrLeaves(t *testing.T) {
	t.Parallel()
	first, second := &mapDriver{name: "1"}, &mapDriver{name: "2", stored: map[string]*common.Payload{}}
	s := must(converter.NewPayloadStore(converter.ExternalStorage{
		Drivers: []converter.StorageDriver{first, second}, DriverSelector: byEncoding{second}, PayloadSizeThreshold: 1,
	}))(t)
	ps := must(converter.GetDefaultDataConverter().ToPayloads("text", []byte("bytes")))(t).Payloads
	got := must(s.Store(converter.StorageDriverStoreContext{}, ps))(t)
	if converter.IsReference(got[0]) || !converter.IsReference(got[1]) || len(second.stored) != 1 {
		t.Errorf("got %v", got)
	}
	stranger := must(converter.NewPayloadStore(converter.ExternalStorage{
		Drivers: []converter.StorageDriver{first}, DriverSelector: byEncoding{second}, PayloadSizeThreshold: 1,
	}))(t)
	if _, err := stranger.Store(converter.StorageDriverStoreContext{}, ps); err == nil {
		t.Error("a driver that is not listed is used")
	}
}

func TestExternalStorageIsChecked(t *testing.T) {
	t.Parallel()
	for what, o := range map[string]converter.ExternalStorage{
		"no drivers":         {},
		"negative threshold": {Drivers: []converter.StorageDriver{&mapDriver{name: "a"}}, PayloadSizeThreshold: -1},
		"two of one name":    {Drivers: []converter.StorageDriver{&mapDriver{name: "a"}, &mapDriver{name: "a"}}},
		"nil driver":         {Drivers: []converter.StorageDriver{nil}},
		"no name":            {Drivers: []converter.StorageDriver{&mapDriver{}}},
	} {
		if _, err := converter.NewPayloadStore(o); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
