package ballast

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// resident is how much memory of this process the system holds.
func resident(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// fresh is set in a process that has used no other memory yet: memory that is used again is cleared, and so touched.
const fresh = "MILLRACE_TEST_FRESH"

func TestWhatIsHeldTakesNoMemory(t *testing.T) {
	if os.Getenv(fresh) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), fresh+"=yes", "GOGC=", "GOMEMLIMIT=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	before := resident(t)
	defer Hold()()
	goal()
	if grown := resident(t) - before; grown > Size/4 {
		t.Errorf("the process has grown by %d bytes", grown)
	}
}
