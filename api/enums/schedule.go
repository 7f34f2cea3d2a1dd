package enums

import (
	"encoding/json"
	"strconv"
)

// ScheduleOverlapPolicy: what a schedule does when an action is due while a run that it started is still open.
// Unspecified means the schedule's own policy, or else skip.
type ScheduleOverlapPolicy int32

// The values of ScheduleOverlapPolicy.
const (
	SCHEDULE_OVERLAP_POLICY_UNSPECIFIED     ScheduleOverlapPolicy = 0
	SCHEDULE_OVERLAP_POLICY_SKIP            ScheduleOverlapPolicy = 1
	SCHEDULE_OVERLAP_POLICY_BUFFER_ONE      ScheduleOverlapPolicy = 2
	SCHEDULE_OVERLAP_POLICY_BUFFER_ALL      ScheduleOverlapPolicy = 3
	SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER    ScheduleOverlapPolicy = 4
	SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER ScheduleOverlapPolicy = 5
	SCHEDULE_OVERLAP_POLICY_ALLOW_ALL       ScheduleOverlapPolicy = 6
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ScheduleOverlapPolicy) String() string {
	switch x {
	case SCHEDULE_OVERLAP_POLICY_UNSPECIFIED:
		return "Unspecified"
	case SCHEDULE_OVERLAP_POLICY_SKIP:
		return "Skip"
	case SCHEDULE_OVERLAP_POLICY_BUFFER_ONE:
		return "BufferOne"
	case SCHEDULE_OVERLAP_POLICY_BUFFER_ALL:
		return "BufferAll"
	case SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER:
		return "CancelOther"
	case SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER:
		return "TerminateOther"
	case SCHEDULE_OVERLAP_POLICY_ALLOW_ALL:
		return "AllowAll"
	}
	return strconv.Itoa(int(x))
}

// MarshalJSON writes the value's name.
func (x ScheduleOverlapPolicy) MarshalJSON() ([]byte, error) { return json.Marshal(x.String()) }

// UnmarshalJSON reads a name or a number.
func (x *ScheduleOverlapPolicy) UnmarshalJSON(data []byte) error {
	return parse(x, "ScheduleOverlapPolicy", data)
}
