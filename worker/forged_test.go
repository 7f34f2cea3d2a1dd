package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// A task of an activity that its run has never scheduled would come again for ever. For a minute a leader may be wrong
// about that; then it becomes a dead letter.
func TestATaskThatNobodyAskedForBecomesADeadLetter(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.task.Event = scheduled + 5
		f.register(func() error { t.Error("the function runs"); return nil })
		run := f.task.Run
		start := must(history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Now()}))
		_, err := f.model.PublishStart(f.ctx, run, start, streams.StartInfo{}, 0)
		f.check(err)
		f.append(1, history.NewEvent(scheduled, &history.TimerStarted{Timeout: 1}))
		time.Sleep(2 * lossTimeout) // a task that is older than its decision was sent again
		ref := streams.TaskRef{Run: run.Run, Queue: queue, Activity: f.task.Event}
		_, err = f.model.PublishTask(f.ctx, ref, must(history.Encode(f.task)))
		f.check(err)
		defer f.serve()()
		letters := func() (n int) {
			for _, err := range f.model.DeadLetters(f.ctx, 0) {
				f.check(err)
				n++
			}
			return n
		}
		if time.Sleep(unknownGrace - lossTimeout); letters() != 0 {
			t.Error("it is a dead letter before a leader can have been deposed")
		}
		if time.Sleep(10 * lossTimeout); letters() != 1 {
			t.Errorf("%d dead letters\n%s", letters(), f.logs)
		}
		if stored, err := f.model.PublishTask(f.ctx, ref, []byte("probe")); err != nil || !stored {
			t.Errorf("the task is still queued: %v, %v", stored, err)
		}
		if !slices.Contains(f.sent(streamstest.OpPutDeadLetter), streamstest.OpPutDeadLetter) {
			t.Error("nobody has put it there")
		}
	})
}
