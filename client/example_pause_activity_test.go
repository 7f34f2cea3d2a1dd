package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
)

// importer works until somebody pauses it, and goes on where it was.
type importer struct {
	begun chan struct{}
	ended chan error
}

func (i *importer) Import(ctx context.Context) (string, error) {
	var row int
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &row) == nil {
		return fmt.Sprintf("attempt %d goes on after row %d", activity.GetInfo(ctx).Attempt, row), nil
	}
	close(i.begun)
	for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		activity.RecordHeartbeat(ctx, 1000) // a pause ends ctx
	}
	i.ended <- context.Cause(ctx) // activity.ErrActivityPaused
	return "", ctx.Err()          // does not count then
}

// Whoever operates the system a program calls has its activities wait meanwhile.
func ExampleAdmin_pauseActivity() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	c := server.Client()
	w := worker.New(c, "imports", worker.Options{})
	i := &importer{begun: make(chan struct{}), ended: make(chan error, 1)}
	w.RegisterActivity(i)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()
	handle, err := c.ExecuteActivity(ctx, client.StartActivityOptions{ID: "import", TaskQueue: "imports", StartToCloseTimeout: time.Minute,
		HeartbeatTimeout: time.Second}, i.Import)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-i.begun

	admin, err := client.NewAdmin(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	// An activity that a workflow has called is named with WorkflowID.
	err = admin.PauseActivity(ctx, client.PauseActivityOptions{ActivityID: "import", Reason: "the database moves"})
	fmt.Println("paused:", err)
	fmt.Println("the attempt ends:", <-i.ended)
	err = admin.UnpauseActivity(ctx, client.UnpauseActivityOptions{ActivityID: "import"})
	fmt.Println("unpaused:", err)
	var text string
	err = handle.Get(ctx, &text)
	fmt.Println(text, err)
	// Output:
	// paused: <nil>
	// the attempt ends: activity paused
	// unpaused: <nil>
	// attempt 1 goes on after row 1000 <nil>
}
