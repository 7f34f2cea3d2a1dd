package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/serviceerror"
)

// Credentials say who a client is. What NATS has beyond these (user credentials files, NKeys) are options of nats.go, in
// ConnectionOptions.NATS.
type Credentials interface {
	// apply returns the options of a connection with these credentials. It may change o.
	apply(o *Options) ([]nats.Option, error)
}

type staticToken string

// NewAPIKeyStaticCredentials are credentials whose key is a NATS token.
func NewAPIKeyStaticCredentials(apiKey string) Credentials { return staticToken(apiKey) }

func (t staticToken) apply(*Options) ([]nats.Option, error) {
	return []nats.Option{nats.Token(string(t))}, nil
}

type dynamicToken func(context.Context) (string, error)

// NewAPIKeyDynamicCredentials are credentials whose key is a NATS token that the callback returns, each time that the
// client connects or connects again. It has ten seconds. When it fails, so does that attempt to connect.
func NewAPIKeyDynamicCredentials(apiKeyCallback func(context.Context) (string, error)) Credentials {
	return dynamicToken(apiKeyCallback)
}

const tokenTimeout = 10 * time.Second

func (t dynamicToken) apply(o *Options) ([]nats.Option, error) {
	logger := o.Logger
	return []nats.Option{nats.TokenHandler(func() string {
		ctx, cancel := context.WithTimeout(context.Background(), tokenTimeout)
		defer cancel()
		token, err := t(ctx)
		if err != nil {
			// nats.go has no way to be told: the server refuses an empty token.
			logger.Warn("API key for the connection to NATS could not be had", "error", err)
			return ""
		}
		return token
	})}, nil
}

type certificate tls.Certificate

// NewMTLSCredentials are credentials that consist of a client certificate. The connection then uses TLS; a TLS
// configuration in the connection options must not have a client certificate of its own.
func NewMTLSCredentials(cert tls.Certificate) Credentials { return certificate(cert) }

func (cert certificate) apply(o *Options) ([]nats.Option, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ConnectionOptions.TLS != nil {
		config = o.ConnectionOptions.TLS.Clone()
	}
	if len(config.Certificates) > 0 || config.GetClientCertificate != nil {
		return nil, serviceerror.NewInvalidArgument("Options.Credentials are a client certificate, and Options.ConnectionOptions.TLS has another one")
	}
	config.Certificates = []tls.Certificate{tls.Certificate(cert)}
	o.ConnectionOptions.TLS = config
	return nil, nil
}

// credentials are the connection options of Options.Credentials.
func (o *Options) credentials() ([]nats.Option, error) {
	if o.Credentials == nil {
		return nil, nil
	}
	options, err := o.Credentials.apply(o)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return options, nil
}
