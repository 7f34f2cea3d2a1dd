package client_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
)

// A lazy client is made without a connection: the first call connects, and says so when nobody answers.
func ExampleNewLazyClient() {
	c, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = c.CheckHealth(context.Background(), &client.CheckHealthRequest{})
	fmt.Println(err != nil && strings.Contains(err.Error(), "connect to NATS at nats://127.0.0.1:1"))
	// Output: true
}

// A token that changes is read whenever the client connects or connects again.
func ExampleNewAPIKeyDynamicCredentials() {
	c, err := client.NewLazyClient(client.Options{Credentials: client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) {
		token, err := os.ReadFile("/run/secrets/nats-token")
		return strings.TrimSpace(string(token)), err
	})})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
}

// The client shows a certificate.
func ExampleNewMTLSCredentials() {
	cert, err := tls.LoadX509KeyPair("client.pem", "client.key")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := client.Dial(client.Options{HostPort: "tls://nats.example.com:4222", Credentials: client.NewMTLSCredentials(cert)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
}

// What NATS has beyond tokens and certificates are options of nats.go: here the file that `nsc` writes
// for a user.
func ExampleConnectionOptions_credentials() {
	c, err := client.Dial(client.Options{ConnectionOptions: client.ConnectionOptions{
		NATS: []nats.Option{nats.UserCredentials("worker.creds")},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
}
