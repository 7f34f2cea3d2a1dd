package client_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
)

func shout(_ context.Context, text string) (string, error) { return strings.ToUpper(text) + "!", nil }

// A single step needs no workflow: it is queued, retried and looked at as any other activity.
func ExampleClient_executeActivity() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{}) // it serves such activities; so does the daemon
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	c := server.Client()
	w := worker.New(c, "loud", worker.Options{})
	w.RegisterActivity(shout)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()

	handle, err := c.ExecuteActivity(ctx, client.StartActivityOptions{ID: "greeting", TaskQueue: "loud", StartToCloseTimeout: time.Minute}, shout, "hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	var text string
	err = handle.Get(ctx, &text)
	fmt.Println(text, err)
	// Output: HELLO! <nil>
}
