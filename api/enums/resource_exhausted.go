package enums

import "strconv"

// ResourceExhaustedCause: which limit a refused request met.
type ResourceExhaustedCause int32

// The values of ResourceExhaustedCause.
const (
	RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED       ResourceExhaustedCause = 0
	RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT         ResourceExhaustedCause = 1
	RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT  ResourceExhaustedCause = 2
	RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED ResourceExhaustedCause = 3
	RESOURCE_EXHAUSTED_CAUSE_PERSISTENCE_LIMIT ResourceExhaustedCause = 4
	RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW     ResourceExhaustedCause = 5
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ResourceExhaustedCause) String() string {
	switch x {
	case RESOURCE_EXHAUSTED_CAUSE_UNSPECIFIED:
		return "Unspecified"
	case RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT:
		return "RpsLimit"
	case RESOURCE_EXHAUSTED_CAUSE_CONCURRENT_LIMIT:
		return "ConcurrentLimit"
	case RESOURCE_EXHAUSTED_CAUSE_SYSTEM_OVERLOADED:
		return "SystemOverloaded"
	case RESOURCE_EXHAUSTED_CAUSE_PERSISTENCE_LIMIT:
		return "PersistenceLimit"
	case RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW:
		return "BusyWorkflow"
	}
	return strconv.Itoa(int(x))
}
