package envconfig_test

import (
	"fmt"
	"log"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/envconfig"
)

// A program that says nothing about where its broker is runs on a laptop, and in production with NATS_URL, NATS_CREDS
// or MILLRACE_NAMESPACE set.
func Example() {
	c, err := client.Dial(envconfig.MustLoadDefaultClientOptions())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
}

func ExampleLoadClientOptions() {
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: envconfig.EnvLookupMap{
		"MILLRACE_NAMESPACE": "orders",
		"NATS_URL":           "nats://a:4222,nats://b:4222",
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Namespace, o.HostPort)
	// Output: orders nats://a:4222,nats://b:4222
}

// A worker of a tenant that may not touch the streams is the program that it was: the environment sends it to the gateway.
func ExampleLoadClientOptions_gateway() {
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: envconfig.EnvLookupMap{
		"MILLRACE_NAMESPACE":            "acme",
		"MILLRACE_GATEWAY":              "true",
		"MILLRACE_GATEWAY_INBOX_PREFIX": "_INBOX_walt",
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Namespace, o.Gateway.InboxPrefix)
	// Output: acme _INBOX_walt
}
