package cron

import (
	"testing"
	"time"
)

// FuzzNext takes any text for a schedule. A time that it gives is not before the run has ended.
func FuzzNext(f *testing.F) {
	for _, s := range []string{"* * * * *", "@every 1s", "CRON_TZ=Asia/Tokyo 0 0 29 2 *", "@daily", "0 0 31 2 *", "*/99999999999 * * * *", "@every -1h", "", "TZ=UTC", "CRON_TZ="} {
		f.Add(s, int64(1_700_000_000), int64(1_700_000_100))
	}
	f.Fuzz(func(t *testing.T, schedule string, start, end int64) {
		const years = 1 << 33 // seconds
		from, to := time.Unix(start%years, 0), time.Unix(end%years, 0)
		next, err := Next(schedule, from, to)
		if err == nil && next.Before(to) {
			t.Errorf("%q after %v is %v", schedule, to, next)
		}
	})
}
