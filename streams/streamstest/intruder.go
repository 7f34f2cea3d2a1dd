package streamstest

import (
	"github.com/millrace-dev/millrace/internal/history"
)

// InjectJunk puts something that is not a record into a run's lane, as a foreign publisher may.
func (m *Model) InjectJunk(run history.Run, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history.add(m.now(), recordsOf(run), data, nil)
	m.wake()
	return nil
}

// InjectStart stores a start without any condition.
func (m *Model) InjectStart(run history.Address, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history.add(m.now(), startOf(run), data, startHeaders{})
	m.wake()
	return nil
}

// DeleteConsumers deletes the durable consumers of a queue, as an operator may. Whoever pulls from them creates them
// again: everything that is still stored is delivered at once, and counted from 1.
func (m *Model) DeleteConsumers(queue string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range []*stream{m.history, m.inbox, m.tasks} {
		for name, d := range s.durables {
			if name.queue == queue {
				d.floor = 0
				clear(d.pending)
			}
		}
	}
	m.wake()
	return nil
}

// LoseTail makes the history forget its newest message and give its sequence out again, as a server does that lost what
// it had not synced, and lets everyone reconnect.
func (m *Model) LoseTail() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.history.messages); n > 0 {
		lost := m.history.messages[n-1]
		m.history.remove(lost)
		m.history.last = lost.seq - 1
	}
	m.epoch++
}
