package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Charge is run by a worker that may not touch the streams.
func Charge(_ context.Context, who string) (string, error) { return "charged " + who, nil }

// Billing is run by a worker that may.
func Billing(ctx workflow.Context, who string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "charges", StartToCloseTimeout: time.Minute})
	var result string
	err := workflow.ExecuteActivity(ctx, Charge, who).Get(ctx, &result)
	return result, err
}

// A client of a gateway is used like any other. In an installation its user belongs to a tenant's account, and credentials and
// InboxPrefix come with it; here all share an account.
func ExampleOptions_gateway() {
	server, err := testsuite.StartDevServer(context.Background(), testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop() }()
	stop := serveGateway(server.FrontendHostPort()) // millrace daemon --gateway
	defer stop()
	engine := worker.New(server.Client(), "billing", worker.Options{})
	engine.RegisterWorkflow(Billing)
	if err := engine.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Stop()

	c, err := client.Dial(client.Options{HostPort: server.FrontendHostPort(), Gateway: &client.GatewayOptions{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	w := worker.New(c, "charges", worker.Options{})
	w.RegisterActivity(Charge)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()
	run, err := c.ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{TaskQueue: "billing"}, Billing, "Ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	var result string
	fmt.Println(run.Get(context.Background(), &result), result)
	// Output: <nil> charged Ann
}

// serveGateway does what the daemon does.
func serveGateway(address string) (stop func()) {
	nc, err := nats.Connect(address)
	if err != nil {
		panic(err)
	}
	c, err := client.Dial(client.Options{ConnectionOptions: client.ConnectionOptions{Conn: nc}})
	if err != nil {
		panic(err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	g, err := gateway.New(gateway.Config{Client: c, Ready: func() { close(ready) }})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- g.Run(ctx) }()
	select {
	case <-ready:
	case err := <-ended:
		panic(err)
	}
	return func() {
		cancel()
		<-ended
		c.Close()
		nc.Close()
	}
}
