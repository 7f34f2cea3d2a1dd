package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Most task queues never see a task with a priority other than the default one, and a consumer for each priority would
// cost all of them. So workers look which priorities are in use: once in a while among what is stored, and by a
// subscription of core NATS, which hears every task as it is published and costs nothing as long as there is none.

// classes are the priorities whose tasks wait apart.
var classes = [...]int{1, 2, 4, 5}

// ClassesQueued says which priority keys, other than the default one, the tasks have that are stored in a queue for a build,
// empty for any.
func (n *Namespace) ClassesQueued(ctx context.Context, queue, build string) ([]int, error) {
	var found []int
	for i := range n.partitions {
		p := &n.partitions[i]
		some := TaskLane{Build: build, Class: 1}.tokens(queue)
		// One question is enough for a queue without priorities, and for a build without tasks.
		_, err := n.last(ctx, p.tasks, p.prefix+string(kindTask)+"."+some[:len(some)-1]+">")
		if isNoMessage(err) {
			continue
		}
		for _, class := range classes {
			if err == nil {
				_, err = n.last(ctx, p.tasks, p.queueTasks(queue, TaskLane{Build: build, Class: class}))
			}
			switch {
			case err == nil:
				found = append(found, class)
			case isNoMessage(err):
				err = nil
			default:
				return nil, fmt.Errorf("look for priorities of task queue %s: %w", queue, err)
			}
		}
	}
	return found, nil
}

// HearClasses calls heard with the priority key, other than the default one, of each task that is published to a queue for a
// build, empty for any, until stop is called for that key. Heard must not block. Tasks that are published while the
// connection is lost are not heard of.
func (n *Namespace) HearClasses(queue, build string, heard func(class int)) (stop func(class int), err error) {
	subs := map[int]*nats.Subscription{}
	stop = func(class int) {
		if sub := subs[class]; sub != nil {
			_ = sub.Unsubscribe() // or the connection is closed
		}
	}
	for _, class := range classes {
		subject := subjectRoot + "." + n.name + ".*." + string(kindTask) + "." + TaskLane{Build: build, Class: class}.tokens(queue) + ".>"
		sub, err := n.nc.Subscribe(subject, func(*nats.Msg) { heard(class) })
		if err != nil {
			err = fmt.Errorf("subscribe to priority %s of task queue %s: %w", strconv.Itoa(class), queue, errors.Join(ErrUnavailable, err))
			for _, other := range classes {
				stop(other)
			}
			return nil, err
		}
		subs[class] = sub
	}
	return stop, nil
}
