package enums

import "strconv"

// ActivityExecutionStatus: states of an activity that no workflow has called.
type ActivityExecutionStatus int32

// The values of ActivityExecutionStatus.
const (
	ACTIVITY_EXECUTION_STATUS_UNSPECIFIED ActivityExecutionStatus = 0
	ACTIVITY_EXECUTION_STATUS_RUNNING     ActivityExecutionStatus = 1
	ACTIVITY_EXECUTION_STATUS_COMPLETED   ActivityExecutionStatus = 2
	ACTIVITY_EXECUTION_STATUS_FAILED      ActivityExecutionStatus = 3
	ACTIVITY_EXECUTION_STATUS_CANCELED    ActivityExecutionStatus = 4
	ACTIVITY_EXECUTION_STATUS_TERMINATED  ActivityExecutionStatus = 5
	ACTIVITY_EXECUTION_STATUS_TIMED_OUT   ActivityExecutionStatus = 6
	ACTIVITY_EXECUTION_STATUS_PAUSED      ActivityExecutionStatus = 7
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ActivityExecutionStatus) String() string {
	names := [...]string{"Unspecified", "Running", "Completed", "Failed", "Canceled", "Terminated", "TimedOut", "Paused"}
	return nameOf(names[:], int(x))
}

// ActivityIdReusePolicy: whether the ID of a closed activity may be used again.
type ActivityIdReusePolicy int32

// The values of ActivityIdReusePolicy.
const (
	ACTIVITY_ID_REUSE_POLICY_UNSPECIFIED                 ActivityIdReusePolicy = 0
	ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE             ActivityIdReusePolicy = 1
	ACTIVITY_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY ActivityIdReusePolicy = 2
	ACTIVITY_ID_REUSE_POLICY_REJECT_DUPLICATE            ActivityIdReusePolicy = 3
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ActivityIdReusePolicy) String() string {
	names := [...]string{"Unspecified", "AllowDuplicate", "AllowDuplicateFailedOnly", "RejectDuplicate"}
	return nameOf(names[:], int(x))
}

// ActivityIdConflictPolicy: what happens when an activity of the same ID is open.
type ActivityIdConflictPolicy int32

// The values of ActivityIdConflictPolicy.
const (
	ACTIVITY_ID_CONFLICT_POLICY_UNSPECIFIED  ActivityIdConflictPolicy = 0
	ACTIVITY_ID_CONFLICT_POLICY_FAIL         ActivityIdConflictPolicy = 1
	ACTIVITY_ID_CONFLICT_POLICY_USE_EXISTING ActivityIdConflictPolicy = 2
)

// String is the value's name as Temporal prints it, or its number when unknown.
func (x ActivityIdConflictPolicy) String() string {
	names := [...]string{"Unspecified", "Fail", "UseExisting"}
	return nameOf(names[:], int(x))
}

func nameOf(names []string, value int) string {
	if value < 0 || value >= len(names) {
		return strconv.Itoa(value)
	}
	return names[value]
}
