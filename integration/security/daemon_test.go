package security_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/securitytest"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// buildDaemon builds the program.
func buildDaemon(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "millrace")
	if out, err := exec.Command("go", "build", "-o", file, "github.com/millrace-dev/millrace/cmd/millrace").CombinedOutput(); err != nil {
		t.Fatalf("build millrace: %v\n%s", err, out)
	}
	return file
}

// startDaemon starts a daemon as a process of its own, and returns when it serves.
func (s *site) startDaemon(program string) *exec.Cmd {
	s.Helper()
	cmd := exec.Command(program, "daemon", "--gateway", "--server", s.server.URL(), "--user", engine.Name, "--password", securitytest.Password,
		"--namespace", "acme")
	cmd.Env = append(os.Environ(), "HOME="+s.TempDir())
	out, err := cmd.StderrPipe()
	s.ok(err)
	s.ok(cmd.Start())
	read := make(chan struct{})
	ready := make(chan bool, 1)
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "daemon is ready") {
				ready <- true
			}
		}
		ready <- false
	}()
	s.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead
		<-read
		_ = cmd.Wait()
	})
	if !<-ready {
		s.Fatal("daemon ended before it was ready")
	}
	return cmd
}

func buy(ctx workflow.Context, what string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "pay", StartToCloseTimeout: 30 * time.Second})
	var result string
	err := workflow.ExecuteActivity(ctx, "pay", what).Get(ctx, &result)
	return result, err
}

// dial is a client of a user, through the gateway unless the user is trusted.
func (s *site) dial(u security.User) client.Client {
	s.Helper()
	o := client.Options{HostPort: s.server.URL(), Namespace: "acme"}
	o.ConnectionOptions.NATS = []nats.Option{nats.UserInfo(u.Name, securitytest.Password)}
	if !u.Role.Trusted() {
		o.Gateway = &client.GatewayOptions{InboxPrefix: u.InboxPrefix()}
	}
	c, err := client.DialContext(s.ctx, o)
	s.ok(err)
	s.Cleanup(c.Close)
	return c
}

func TestATenantsRunSurvivesTheDeathOfTheDaemonsProcess(t *testing.T) {
	t.Parallel()
	program := buildDaemon(t)
	s := open(t, securitytest.Start(t, security.Installation{
		Engine:  []security.User{operator, engine},
		Tenants: []security.Tenant{{Account: "ACME", Namespaces: []string{"acme"}, Users: []security.User{alice, walt}}},
	}))
	w := worker.New(s.dial(engine), "main", worker.Options{})
	w.RegisterWorkflow(buy)
	s.ok(w.Start())
	defer w.Stop()
	daemon := s.startDaemon(program)

	begun, goOn := make(chan struct{}, 2), make(chan struct{})
	var runs atomic.Int32
	tenant := worker.New(s.dial(walt), "pay", worker.Options{})
	tenant.RegisterActivityWithOptions(func(_ context.Context, what string) (string, error) {
		runs.Add(1)
		begun <- struct{}{}
		<-goOn
		return "paid for " + what, nil
	}, activity.RegisterOptions{Name: "pay"})
	s.ok(tenant.Start())
	defer tenant.Stop()
	run, err := s.dial(alice).ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: "order", TaskQueue: "main"}, buy, "a house")
	s.ok(err)
	<-begun
	s.ok(daemon.Process.Kill())
	s.startDaemon(program)
	close(goOn)
	var result string
	if err := run.Get(s.ctx, &result); err != nil || result != "paid for a house" || runs.Load() != 1 {
		t.Errorf("%q, %v, after %d runs of the activity", result, err, runs.Load())
	}
}
