package workflow_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

// flipped is a codec whose payloads only it can read.
type flipped struct{}

func (flipped) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	out := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		inner := append(append([]byte(nil), p.Metadata[converter.MetadataEncoding]...), 0)
		data := append(inner, p.Data...)
		for j := range data {
			data[j] ^= 0xff
		}
		out[i] = &common.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("flipped")}, Data: data}
	}
	return out, nil
}

func (flipped) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	out := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.Metadata[converter.MetadataEncoding]) != "flipped" {
			return nil, errors.New("not flipped")
		}
		data := bytes.Clone(p.Data)
		for j := range data {
			data[j] ^= 0xff
		}
		encoding, rest, _ := bytes.Cut(data, []byte{0})
		out[i] = &common.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: encoding}, Data: rest}
	}
	return out, nil
}

func flipping() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), flipped{})
}

func TestAContextCanHaveItsOwnConverter(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		ctx = withActivities(locally(ctx))
		own := workflow.WithDataConverter(ctx, flipping())
		var local int
		if err := workflow.ExecuteLocalActivity(own, Double, 21).Get(own, &local); err != nil {
			return "", err
		}
		chained, settable := workflow.NewFuture(own)
		settable.Chain(workflow.ExecuteLocalActivity(own, Double, local))
		if err := chained.Get(own, &local); err != nil {
			return "", err
		}
		var usual, flipped string
		if err := workflow.ExecuteActivity(ctx, "usual", "a").Get(ctx, &usual); err != nil {
			return "", err
		}
		if err := workflow.ExecuteActivity(own, "own", "b", local).Get(own, &flipped); err != nil {
			return "", err
		}
		return usual + flipped, nil
	})
	var plain string
	if err := converter.GetDefaultDataConverter().FromPayloads(h.input("usual"), &plain); err != nil || plain != "a" {
		t.Errorf("usual argument is %q (%v)", plain, err)
	}
	h.step(h.completed("usual", "A"))
	var argument string
	var number int
	if err := flipping().FromPayloads(h.input("own"), &argument, &number); err != nil || argument != "b" || number != 84 {
		t.Errorf("own arguments are %q, %d (%v)", argument, number, err)
	}
	m := h.completed("own", nil)
	var err error
	if m.Activity.Result, err = flipping().ToPayloads("B"); err != nil {
		t.Fatal(err)
	}
	h.step(m)
	wantResult(h, "AB")
}

// input are the arguments of the newest pending activity of a type.
func (h *harness) input(activity string) *common.Payloads {
	h.Helper()
	return h.m.State().Activities[h.scheduled(activity)].Scheduled.Input
}
