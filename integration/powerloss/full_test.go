//go:build linux

package powerloss

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// diskSize is how much the server's file system holds, in bytes: the streams of a namespace reserve 1 GiB. Little of it
	// is ever written.
	diskSize = 2 << 30
	// stillness is how long nothing is acknowledged until the disk is taken to have had its effect.
	stillness = time.Second
	// fullLimit bounds the wait for that.
	fullLimit = 30 * time.Second
)

// TestFullDisk fills up the server's disk under load, and frees it. What was acknowledged stays, callers are told, and
// after the server was started again everything goes on.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := newSite(t, 1, nil, devserver.Config{StoreDir: filepath.Join(disk, "store"), SyncAlways: true})
	s.start(s.servers...)
	l := newLoad(ctx, s, streams.CreateOptions{})
	l.run(ctx, 8, 2, *cycles)
	for n := range *cycles {
		l.awaitFor(ctx, between, recovery)
		fault := verify.Fault{ID: fmt.Sprint(n), Kind: "disk full", Target: "server", Begun: verify.Now(), Hit: "clients wait"}
		l.note(l.faults.Append(fault))
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		l.awaitStillness(ctx)
		l.wantTold(ctx)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		// The documented step: what could not be written stays refused until the server is started again.
		s.servers[0].stop()
		s.start(s.servers...)
		fault.Ended = verify.Now()
		l.awaitFor(ctx, between, recovery)
		fault.Recovered = verify.Now()
		l.note(l.faults.Append(fault))
		l.tick()
	}
	l.note(l.expectations.Append(verify.Expectation{WorkflowID: "too-much", Absent: true}))
	l.finish(settle)
	report := l.judge(ctx, settle)
	for _, v := range report.Violations {
		t.Error(v)
	}
}

// wantTold asks for something while the disk is full: who does not wait for ever is told that the broker gives no answer.
func (l *load) wantTold(ctx context.Context) {
	l.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := l.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "too-much", TaskQueue: queue}, order, 0)
	var unavailable *serviceerror.Unavailable
	if !errors.As(err, &unavailable) {
		l.Errorf("VOID or untold: a start on a full disk ends with %v, want Unavailable", err)
	}
	l.Logf("callers are told: %v", err)
}

// smallDisk is where an ext4 file system in a file is mounted, until the test has ended.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	image, disk := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	err := os.Mkdir(disk, 0o755)
	if err == nil {
		err = os.WriteFile(image, nil, 0o644)
	}
	if err == nil {
		err = os.Truncate(image, diskSize)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-F", "-m", "0", image}, {"mount", "-o", "loop", image, disk}} {
		if said, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("NOT SHOWN, needs root and loop devices: %s: %v: %s", command[0], err, said)
		}
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk
}

// fill makes a file that takes all that is left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(0)
	for size := int64(diskSize); size >= 4096; {
		err := syscall.Fallocate(int(f.Fd()), 0, at, size)
		switch {
		case err == nil:
			at += size
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		default:
			t.Fatal(err)
		}
	}
}

// awaitStillness returns when nothing has been acknowledged for a while.
func (l *load) awaitStillness(ctx context.Context) {
	l.Helper()
	limit, cancel := context.WithTimeout(ctx, fullLimit)
	defer cancel()
	for still := time.NewTimer(stillness); ; still.Reset(stillness) {
		select {
		case <-l.progress:
		case <-still.C:
			return
		case <-limit.Done():
			l.Fatalf("operations are still acknowledged %v after the disk was filled up", fullLimit)
		}
	}
}
