package envconfig

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
)

// EnvLookup is an environment.
type EnvLookup interface {
	// Environ is the environment as "NAME=value".
	Environ() []string
	// LookupEnv is one variable, and whether it is set.
	LookupEnv(name string) (string, bool)
}

// EnvLookupOS is the environment of this process.
type EnvLookupOS struct{}

// Environ is os.Environ.
func (EnvLookupOS) Environ() []string { return os.Environ() }

// LookupEnv is os.LookupEnv.
func (EnvLookupOS) LookupEnv(name string) (string, bool) { return os.LookupEnv(name) }

// EnvLookupMap is an environment of its own, for tests and for programs that add to that of the process.
type EnvLookupMap map[string]string

// Environ lists the map.
func (m EnvLookupMap) Environ() []string {
	all := make([]string, 0, len(m))
	for name, value := range m {
		all = append(all, name+"="+value)
	}
	return all
}

// LookupEnv looks into the map.
func (m EnvLookupMap) LookupEnv(name string) (string, bool) {
	value, ok := m[name]
	return value, ok
}

// LoadClientOptionsRequest says where to read options; its zero value reads the environment of the process.
type LoadClientOptionsRequest struct {
	// EnvLookup is the environment. Default EnvLookupOS.
	EnvLookup EnvLookup
}

// LoadDefaultClientOptions are the options that the environment of the process asks for. It reads files that the
// environment names; it does not connect.
func LoadDefaultClientOptions() (client.Options, error) {
	return LoadClientOptions(LoadClientOptionsRequest{})
}

// MustLoadDefaultClientOptions is LoadDefaultClientOptions for the beginning of a main function: it panics where that
// returns an error.
func MustLoadDefaultClientOptions() client.Options {
	options, err := LoadDefaultClientOptions()
	if err != nil {
		panic(err)
	}
	return options
}

// LoadClientOptions are the options that an environment asks for. The errors name the variable and what is wrong
// with it.
func LoadClientOptions(request LoadClientOptionsRequest) (client.Options, error) {
	if request.EnvLookup == nil {
		request.EnvLookup = EnvLookupOS{}
	}
	env := environment{request.EnvLookup}
	var o client.Options
	named, err := env.context()
	if err != nil {
		return o, fmt.Errorf("load client options: %w", err)
	}
	if named != nil {
		o.HostPort = strings.Join(named.Servers, ",")
	}
	if _, address := env.first("MILLRACE_ADDRESS", "NATS_URL"); address != "" {
		o.HostPort = address
	}
	_, o.Namespace = env.first("MILLRACE_NAMESPACE")
	_, o.Identity = env.first("MILLRACE_IDENTITY")
	if o.Gateway, err = env.gateway(); err != nil {
		return client.Options{}, fmt.Errorf("load client options: %w", err)
	}
	if err := env.connection(&o.ConnectionOptions, named); err != nil {
		return client.Options{}, fmt.Errorf("load client options: %w", err)
	}
	if o.Gateway != nil && o.Gateway.InboxPrefix != "" { // behind what the context says of it
		o.ConnectionOptions.NATS = append(o.ConnectionOptions.NATS, nats.CustomInboxPrefix(o.Gateway.InboxPrefix))
	}
	return o, nil
}

// gateway is how to use the namespace's gateway, nil when the streams are to be used.
func (e environment) gateway() (*client.GatewayOptions, error) {
	wanted, err := e.boolean("MILLRACE_GATEWAY")
	if err != nil {
		return nil, err
	}
	_, prefix := e.first("MILLRACE_GATEWAY_INBOX_PREFIX")
	switch said, _ := e.first("MILLRACE_GATEWAY"); {
	case wanted:
		return &client.GatewayOptions{InboxPrefix: prefix}, nil
	case prefix != "" && said == "":
		return nil, errors.New("MILLRACE_GATEWAY_INBOX_PREFIX is set without MILLRACE_GATEWAY: set that to true as well")
	}
	return nil, nil
}

type environment struct{ lookup EnvLookup }

// first is the first of the variables that is set to something, and its value.
func (e environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if value, ok := e.lookup.LookupEnv(name); ok && value != "" {
			return name, value
		}
	}
	return "", ""
}
