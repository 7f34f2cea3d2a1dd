package workflow

import (
	"fmt"
	"math"

	"github.com/millrace-dev/millrace/internal/replay"
)

// Version is a version of a part of a workflow's code.
type Version int

// DefaultVersion is the version of code that had no versions yet.
const DefaultVersion Version = Version(replay.DefaultVersion)

// GetVersion says which version of the code for a change this run has to take, so that code can be changed while runs are
// open. A run that comes to the change for the first time takes maxSupported, which is recorded; one that has passed that
// place with older code, without the call, takes DefaultVersion. A run asks once: later calls with the same change ID
// have the same answer.
//
// The call may be removed, moved or repeated once no run needs the old code any more. A version below minSupported or above
// maxSupported panics, which holds the run up until code is deployed that has its version. The versions of a run are in
// its search attribute TemporalChangeVersion, as changeID-version, while they take up to 2 KiB.
func GetVersion(ctx Context, changeID string, minSupported, maxSupported Version) Version {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetVersion(ctx, changeID, minSupported, maxSupported)
	}
	return r.version(changeID, minSupported, maxSupported)
}

func (r *run) version(changeID string, minSupported, maxSupported Version) Version {
	if maxSupported < minSupported || maxSupported > math.MaxInt32 || minSupported < DefaultVersion {
		panic(fmt.Sprintf("workflow: GetVersion %q: versions %d to %d are supported: they must be a range from %d on",
			changeID, minSupported, maxSupported, DefaultVersion))
	}
	newest := maxSupported
	if prefer := r.def.options.PreferredVersion; prefer != nil && !r.env.Replaying() {
		newest = prefer(r.info(), changeID, minSupported, maxSupported)
	}
	v := Version(r.env.Version(changeID, int32(newest)))
	switch {
	case v < minSupported:
		panic(fmt.Sprintf("workflow: GetVersion %q: the run has version %d, which the code no longer supports (%d to %d)",
			changeID, v, minSupported, maxSupported))
	case v > maxSupported:
		panic(fmt.Sprintf("workflow: GetVersion %q: the run has version %d, for which the code is too old (%d to %d)",
			changeID, v, minSupported, maxSupported))
	}
	return v
}
