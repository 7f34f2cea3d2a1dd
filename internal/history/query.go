package history

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// Query asks a coordinator what a handler of a run's code answers. It is a core NATS request and leaves no trace.
type Query struct {
	Version int                        `msgpack:"v"`
	Run     Run                        `msgpack:"r"`
	Type    string                     `msgpack:"t"`
	Args    *common.Payloads           `msgpack:"a,omitempty"`
	Header  *common.Header             `msgpack:"h,omitempty"`
	Reject  enums.QueryRejectCondition `msgpack:"rc,omitempty"`
}

// QueryResult answers a Query: a result, a failure, or the status for which the query was rejected.
type QueryResult struct {
	Version  int                           `msgpack:"v"`
	Result   *common.Payloads              `msgpack:"r,omitempty"`
	Failure  *failure.Failure              `msgpack:"f,omitempty"`
	Rejected enums.WorkflowExecutionStatus `msgpack:"rj,omitempty"`
	// Event is the number of the last event that the answer takes into account.
	Event int64 `msgpack:"e,omitempty"`
	// Retry is set when this coordinator cannot answer but another might.
	Retry bool `msgpack:"rt,omitempty"`
}

// Trouble is what keeps a run from going on, as Describe shows it: it is stored beside the run's heartbeats and
// removed by the next transition.
type Trouble struct {
	Version int `msgpack:"v"`
	// Transition is how many transitions the run had. A note is void once there are more: it may outlive its removal, or
	// come back after it when a server was killed.
	Transition uint64 `msgpack:"k,omitempty"`
	// Reason is for people; empty while there is only something to count.
	Reason string    `msgpack:"r,omitempty"`
	Since  time.Time `msgpack:"s,omitempty"`
	// Begun counts how often code began to run for a redelivered message and did not end, Alone how often that was with
	// nothing else in its process.
	Begun int `msgpack:"b,omitempty"`
	Alone int `msgpack:"a,omitempty"`
	// Began is when code last began to run for a redelivered message; until its process can be known to have died it may
	// still be running.
	Began time.Time `msgpack:"bt,omitempty"`
	// Handed is not written any more; it counted the deliveries that were handed back.
	Handed int `msgpack:"h,omitempty"`
}

const (
	// maxDeaths is how many processes may die while they run the code of a run, none of which was ever without activities
	// that run on and on.
	maxDeaths = 10
	// maxAlone is how many processes may die while they do nothing but run the code of a run. One may have died for another
	// reason after the code had ended, while a broker that was down kept it from striking out its note.
	maxAlone = 2
)

// Quarantined says whether what is noted against a run is enough not to run its code any more.
func (t *Trouble) Quarantined() bool { return t.Alone >= maxAlone || t.Begun >= maxDeaths }

func (q *Query) version() *int       { return &q.Version }
func (q *QueryResult) version() *int { return &q.Version }
func (t *Trouble) version() *int     { return &t.Version }

func (*Query) name() string       { return "query" }
func (*QueryResult) name() string { return "query result" }
func (*Trouble) name() string     { return "trouble" }

// DecodeQuery reads a query's body.
func DecodeQuery(data []byte) (*Query, error) { return decode(data, &Query{}) }

// DecodeQueryResult reads the answer to a query.
func DecodeQueryResult(data []byte) (*QueryResult, error) { return decode(data, &QueryResult{}) }

// DecodeTrouble reads a note of trouble.
func DecodeTrouble(data []byte) (*Trouble, error) { return decode(data, &Trouble{}) }
