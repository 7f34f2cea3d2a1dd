package streamstest

import (
	"slices"

	"github.com/millrace-dev/millrace/internal/history"
)

// InjectJunk puts something that is not a record into a run's lane, as a foreign publisher may.
func (m *Model) InjectJunk(run history.Run, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.history.add(m.now(), recordsOf(run), data, nil)
	return nil
}

// InjectStart stores a start without any condition.
func (m *Model) InjectStart(run history.Address, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.addStart(run, data, startHeaders{})
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
				d.forget()
			}
		}
		s.wakeAll()
	}
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
		for _, d := range m.history.durables {
			d.passed = min(d.passed, m.history.last)
		}
		m.starts = slices.DeleteFunc(m.starts, func(s *message) bool { return s == lost })
	}
	m.epoch++
}
