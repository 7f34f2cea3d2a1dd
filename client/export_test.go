package client

// WithoutNotices makes a client follow each run that it starts.
func WithoutNotices(c Client) { c.(*workflowClient).notices = nil }

// LoseNotices makes a client that has started nothing lose every notice.
func LoseNotices(c Client) {
	s := c.(*workflowClient).notices
	listen := s.listen
	s.listen = func(waiter string, _ func(string, []byte), ended func()) (func(), error) {
		return listen(waiter, func(string, []byte) {}, ended)
	}
}

// ExpectedNotices is how many notices a client expects.
func ExpectedNotices(c Client) int {
	s := c.(*workflowClient).notices
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.expected)
}

// AwaitNotices returns when no notice is expected any more.
func AwaitNotices(c Client) {
	s := c.(*workflowClient).notices
	s.mu.Lock()
	var all []*notice
	for _, n := range s.expected {
		all = append(all, n)
	}
	s.mu.Unlock()
	for _, n := range all {
		<-n.settled
	}
}

// Sent is how many messages a client has sent to its broker.
func Sent(c Client) uint64 { return c.(*workflowClient).conn.Stats().OutMsgs }

// ConnectionName is what NATS shows of a client with the options.
func ConnectionName(o Options) string { return o.connectionName() }
