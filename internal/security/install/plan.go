package install

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/streams"
)

// TLS says how connections are encrypted.
type TLS string

const (
	// TLSMutual encrypts, and asks clients for a certificate of the installation's authority.
	TLSMutual TLS = "mutual"
	// TLSServer encrypts, and lets clients verify the server.
	TLSServer TLS = "server"
	// TLSOff is for a machine of one's own.
	TLSOff TLS = "off"
)

// Plan is an installation. It holds no secret, and is kept in the installation's directory so that it can be added to.
type Plan struct {
	// Operator is the operator's name.
	Operator string `json:"operator"`
	// Hosts are the names or addresses of the servers, one or three. Three form a cluster.
	Hosts []string `json:"hosts"`
	// Port is where clients connect; servers reach each other at the port after the next thousand.
	Port int `json:"port"`
	// Store is the directory of the streams, on each server.
	Store string `json:"store"`
	TLS   TLS    `json:"tls"`
	// Tenants are the accounts that reach the engine by its gateway only.
	Tenants []Tenant `json:"tenants"`
}

// Tenant is an account that holds nothing.
type Tenant struct {
	Account    string   `json:"account"`
	Namespaces []string `json:"namespaces"`
}

// systemAccount is the account of the servers themselves.
const systemAccount = "SYS"

// ErrInvalid is returned for a plan that makes no installation.
var ErrInvalid = errors.New("invalid installation")

// Validate says what is wrong with the plan.
func (p *Plan) Validate() error {
	invalid := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
	}
	if streams.CheckNamespace(p.Operator) != nil {
		return invalid("name %q of the operator: 1 to 64 letters, digits, '_' and '-' are needed", p.Operator)
	}
	if len(p.Hosts) != 1 && len(p.Hosts) != 3 {
		return invalid("%d hosts: one server or three are needed", len(p.Hosts))
	}
	for i, h := range p.Hosts {
		if h == "" || strings.ContainsAny(h, " /:\"'") && net.ParseIP(h) == nil {
			return invalid("host %q is no name or address", h)
		}
		if slices.Contains(p.Hosts[:i], h) {
			return invalid("host %q is there twice", h)
		}
	}
	if p.Port < 1 || p.Port > 64_000 {
		return invalid("port %d: 1 to 64000 are possible", p.Port)
	}
	if p.TLS != TLSMutual && p.TLS != TLSServer && p.TLS != TLSOff {
		return invalid("TLS %q is none of mutual, server and off", p.TLS)
	}
	if p.Store == "" || strings.ContainsAny(p.Store, "\"\n") {
		return invalid("store directory %q", p.Store)
	}
	for i, t := range p.Tenants {
		switch {
		case streams.CheckNamespace(t.Account) != nil || t.Account == security.EngineAccount || t.Account == systemAccount:
			return invalid("account %q of a tenant: 1 to 64 letters, digits, '_' and '-' are needed, other than %s and %s",
				t.Account, security.EngineAccount, systemAccount)
		case slices.ContainsFunc(p.Tenants[:i], func(o Tenant) bool { return o.Account == t.Account }):
			return invalid("account %q is there twice", t.Account)
		case len(t.Namespaces) == 0:
			return invalid("tenant %q has no namespace", t.Account)
		}
		for j, n := range t.Namespaces {
			if err := streams.CheckNamespace(n); err != nil {
				return invalid("tenant %q: %v", t.Account, err)
			}
			if slices.Contains(t.Namespaces[:j], n) {
				return invalid("tenant %q has namespace %q twice", t.Account, n)
			}
		}
	}
	return nil
}

// routePort is where servers reach each other.
func (p *Plan) routePort() int { return p.Port + 1000 }

func (p *Plan) tenant(account string) *Tenant {
	for i := range p.Tenants {
		if p.Tenants[i].Account == account {
			return &p.Tenants[i]
		}
	}
	return nil
}
