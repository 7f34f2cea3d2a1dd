//go:build linux

package powerloss

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/integration/powerloss/forgetfs"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// site is one nats-server, or several that form a cluster.
type site struct {
	*testing.T
	dir     string // for logs
	servers []*machine
}

// machine is a server with its disk.
type machine struct {
	config devserver.Config
	// disk is nil for a server on an ordinary directory.
	disk    *forgetfs.Disk
	mounted *forgetfs.Mounted
	log     string

	cmd   *exec.Cmd
	stdin io.Closer
	ready chan struct{}
	ended chan struct{}
}

// newSite plans n servers, with forgetful disks if model is not nil. They are not started yet. What they have started
// is gone when the test has ended.
func newSite(t *testing.T, n int, model *forgetfs.Model, config devserver.Config) *site {
	t.Helper()
	s := &site{T: t, dir: t.TempDir()}
	var routes []string
	for i := range n {
		m := &machine{config: config, log: filepath.Join(s.dir, fmt.Sprintf("server-%d.log", i))}
		m.config.Host, m.config.Port, m.config.ServerName = devserver.DefaultHost, devtest.FreePort(t), fmt.Sprintf("server-%d", i)
		if m.config.StoreDir == "" {
			m.config.StoreDir = filepath.Join(s.dir, fmt.Sprintf("disk-%d", i))
		}
		if err := os.MkdirAll(m.config.StoreDir, 0o755); err != nil {
			t.Fatal(err)
		}
		if model != nil {
			m.disk = forgetfs.NewDisk(*model)
		}
		if n > 1 {
			m.config.Cluster.Name, m.config.Cluster.Port = "powerloss", devtest.FreePort(t)
			routes = append(routes, "nats://"+net.JoinHostPort(m.config.Host, strconv.Itoa(m.config.Cluster.Port)))
		}
		s.servers = append(s.servers, m)
	}
	for _, m := range s.servers {
		m.config.Cluster.Routes = routes
	}
	t.Cleanup(s.clear)
	return s
}

func (s *site) url() string {
	var all []string
	for _, m := range s.servers {
		all = append(all, "nats://"+net.JoinHostPort(m.config.Host, strconv.Itoa(m.config.Port)))
	}
	return strings.Join(all, ",")
}

// clear kills, unmounts, and shows what the servers have said if the test failed.
func (s *site) clear() {
	for _, m := range s.servers {
		m.kill()
		if err := m.unmount(); err != nil {
			s.Error(err)
		}
		if said, err := os.ReadFile(m.log); err == nil && s.Failed() {
			s.Logf("%s said at the end:\n%s", m.config.ServerName, said[max(0, len(said)-4000):])
		}
	}
}

// startTimeout bounds the way of a server to where it accepts connections.
const startTimeout = 30 * time.Second

// start mounts the disks and starts the servers.
func (s *site) start(machines ...*machine) {
	s.Helper()
	if err := s.tryStart(machines...); errors.Is(err, forgetfs.ErrNoFUSE) {
		s.Skipf("NOT SHOWN, needs root and FUSE: %v", err)
	} else if err != nil {
		s.Fatal(err)
	}
}

func (s *site) tryStart(machines ...*machine) error {
	for _, m := range machines {
		if err := m.start(); err != nil {
			return fmt.Errorf("start %s: %w", m.config.ServerName, err)
		}
	}
	for _, m := range machines {
		select {
		case <-m.ready:
		case <-m.ended:
			return fmt.Errorf("%s ended by itself", m.config.ServerName)
		case <-time.After(startTimeout):
			return fmt.Errorf("%s is not ready after %v", m.config.ServerName, startTimeout)
		}
	}
	return nil
}

func (m *machine) start() error {
	if m.disk != nil {
		var err error
		if m.mounted, err = m.disk.Mount(m.config.StoreDir); err != nil {
			return err
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	config, err := json.Marshal(m.config)
	if err != nil {
		return err
	}
	said, err := os.OpenFile(m.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer said.Close() // the process has its own handle
	m.cmd = exec.Command(exe)
	m.cmd.Env = append(os.Environ(), serverEnv+"="+string(config))
	m.cmd.Stderr = said
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	m.ready, m.ended = make(chan struct{}), make(chan struct{})
	go m.runWatch(m.cmd, stdout, m.ready, m.ended)
	return nil
}

// runWatch waits for the server's word and for its end.
func (m *machine) runWatch(cmd *exec.Cmd, stdout io.Reader, ready, ended chan struct{}) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if lines.Text() == readyLine {
			close(ready)
		}
	}
	_ = cmd.Wait() // it was killed
	close(ended)
}

// kill ends the server's process at once.
func (m *machine) kill() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill() // fails when it has ended
	<-m.ended
	m.cmd = nil
}

// stop ends the server's process as an operator does.
func (m *machine) stop() {
	_ = m.stdin.Close() // fails when it has ended
	<-m.ended
	m.cmd = nil
}

// pause stops the server's process until resume lets it go on.
func (m *machine) pause() error { return m.cmd.Process.Signal(syscall.SIGSTOP) }

func (m *machine) resume() error { return m.cmd.Process.Signal(syscall.SIGCONT) }

func (m *machine) unmount() error {
	if m.mounted == nil {
		return nil
	}
	err := m.mounted.Unmount()
	m.mounted = nil
	return err
}

// cut takes the power from machines, all at one time, and says what was lost. They are not started again.
func (s *site) cut(loss forgetfs.Loss, r *rand.Rand, machines ...*machine) forgetfs.Lost {
	s.Helper()
	for _, m := range machines {
		_ = m.cmd.Process.Kill() // one that has ended is waited for as well
	}
	var all forgetfs.Lost
	for _, m := range machines {
		m.kill()
		if err := m.unmount(); err != nil {
			s.Fatal(err)
		}
		all = all.Plus(m.disk.Cut(loss, r))
	}
	return all
}
