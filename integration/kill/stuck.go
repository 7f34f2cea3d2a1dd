package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/streams"
)

// describe writes down what is known of runs: their state, their records, and what waits for them; and then the state
// of all consumers. What cannot be read is said in its place.
func (b *broker) describe(ctx context.Context, c client.Client, ids []string, w io.Writer) {
	tasks, inbox, err := b.waiting(ctx)
	if err != nil {
		fmt.Fprintln(w, "waiting messages:", err)
	}
	for _, id := range ids {
		fmt.Fprintf(w, "== workflow %s\n", id)
		d, err := c.DescribeWorkflow(ctx, id, "")
		if err != nil {
			fmt.Fprintln(w, "describe:", err)
			continue
		}
		text, err := json.Marshal(d)
		fmt.Fprintf(w, "%s %v\n", text, err)
		b.describeHistory(ctx, id, w)
		for _, subject := range append(append([]string(nil), tasks...), inbox...) {
			if strings.Contains(subject, "."+streams.EncodeToken(id)+".") {
				fmt.Fprintln(w, "waiting:", subject)
			}
		}
	}
	b.describeConsumers(ctx, w)
}

func (b *broker) describeHistory(ctx context.Context, id string, w io.Writer) {
	start, err := b.ns.LastStart(ctx, id)
	if err != nil {
		fmt.Fprintln(w, "start:", err)
		return
	}
	fmt.Fprintf(w, "start at %d, expected %d\n", start.Seq, start.Expected)
	loaded, err := b.ns.Load(ctx, start.Run.Run, 0)
	if err != nil {
		fmt.Fprintln(w, "load:", err)
		return
	}
	for i := range loaded.Records {
		r := &loaded.Records[i]
		t, err := r.Transition()
		if err != nil {
			fmt.Fprintf(w, "record %d at %d: %v\n", r.Number, r.Seq, err)
			continue
		}
		fmt.Fprintf(w, "record %d at %d, stored %s, cover %s, consumed %v:", t.Number, r.Seq, r.Time.Format(time.StampMilli), t.Cover, t.Consumed)
		for _, e := range t.Events {
			fmt.Fprintf(w, " [%s]", e)
		}
		fmt.Fprintln(w)
	}
}

func (b *broker) describeConsumers(ctx context.Context, w io.Writer) {
	for _, name := range []string{"HISTORY", "INBOX", "TASKS"} {
		s, err := b.js.Stream(ctx, streamOf(name))
		if err != nil {
			fmt.Fprintf(w, "stream %s: %v\n", name, err)
			continue
		}
		state := s.CachedInfo().State
		fmt.Fprintf(w, "== stream %s: %d messages, sequences %d to %d\n", name, state.Msgs, state.FirstSeq, state.LastSeq)
		list := s.ListConsumers(ctx)
		for c := range list.Info() {
			writeConsumer(w, c)
		}
		if err := list.Err(); err != nil {
			fmt.Fprintf(w, "consumers of %s: %v\n", name, err)
		}
	}
}

func writeConsumer(w io.Writer, c *jetstream.ConsumerInfo) {
	fmt.Fprintf(w, "consumer %s: filter %s, delivered %d/%d, ack floor %d/%d, ack pending %d, redelivered %d, waiting pulls %d, pending %d\n",
		c.Name, c.Config.FilterSubject, c.Delivered.Consumer, c.Delivered.Stream, c.AckFloor.Consumer, c.AckFloor.Stream,
		c.NumAckPending, c.NumRedelivered, c.NumWaiting, c.NumPending)
}
