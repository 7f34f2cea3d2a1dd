package envconfig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/natscontext"

	"github.com/millrace-dev/millrace/client"
)

// connection fills in how to connect. named is what a context says, nil without one.
func (e environment) connection(o *client.ConnectionOptions, named *nats.Options) error {
	login, err := e.login()
	if err != nil {
		return err
	}
	if named != nil {
		o.NATS = append(o.NATS, apply(named, login == nil))
	}
	if login != nil {
		o.NATS = append(o.NATS, login)
	}
	files, err := e.certificates()
	if err != nil {
		return err
	}
	o.NATS = append(o.NATS, files...)
	o.TLS, err = e.tls()
	return err
}

// login is the one kind of credentials that is given, nil for none.
func (e environment) login() (nats.Option, error) {
	var kinds []string
	var login nats.Option
	if name, token := e.first("MILLRACE_API_KEY", "NATS_TOKEN"); token != "" {
		kinds, login = append(kinds, name), nats.Token(token)
	}
	if name, file := e.first("NATS_CREDS"); file != "" {
		if err := readable(name, file); err != nil {
			return nil, err
		}
		kinds, login = append(kinds, name), nats.UserCredentials(file)
	}
	if name, file := e.first("NATS_NKEY"); file != "" {
		option, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			return nil, fmt.Errorf("%s: read nkey seed from %s: %w", name, file, err)
		}
		kinds, login = append(kinds, name), option
	}
	_, password := e.first("NATS_PASSWORD")
	if name, user := e.first("NATS_USER"); user != "" {
		kinds, login = append(kinds, name), nats.UserInfo(user, password)
	} else if password != "" {
		return nil, errors.New("NATS_PASSWORD is set without NATS_USER: set both")
	}
	if len(kinds) > 1 {
		return nil, fmt.Errorf("%s are set together: keep one of them", strings.Join(kinds, " and "))
	}
	return login, nil
}

// certificates are the files for TLS.
func (e environment) certificates() ([]nats.Option, error) {
	var options []nats.Option
	certName, cert := e.first("MILLRACE_TLS_CLIENT_CERT_PATH", "NATS_CERT")
	keyName, key := e.first("MILLRACE_TLS_CLIENT_KEY_PATH", "NATS_KEY")
	switch {
	case cert != "" && key == "":
		return nil, fmt.Errorf("%s is set without the key that belongs to it: set NATS_KEY or MILLRACE_TLS_CLIENT_KEY_PATH", certName)
	case cert == "" && key != "":
		return nil, fmt.Errorf("%s is set without the certificate that belongs to it: set NATS_CERT or MILLRACE_TLS_CLIENT_CERT_PATH", keyName)
	case cert != "":
		if err := errors.Join(readable(certName, cert), readable(keyName, key)); err != nil {
			return nil, err
		}
		options = append(options, nats.ClientCert(cert, key))
	}
	if name, ca := e.first("MILLRACE_TLS_SERVER_CA_CERT_PATH", "NATS_CA"); ca != "" {
		if err := readable(name, ca); err != nil {
			return nil, err
		}
		options = append(options, nats.RootCAs(ca))
	}
	return options, nil
}

// tls is the configuration that asks for TLS whatever the server's URL says, nil when nothing does.
func (e environment) tls() (*tls.Config, error) {
	wanted, err := e.boolean("MILLRACE_TLS")
	if err != nil {
		return nil, err
	}
	unverified, err := e.boolean("MILLRACE_TLS_DISABLE_HOST_VERIFICATION")
	if err != nil {
		return nil, err
	}
	_, serverName := e.first("MILLRACE_TLS_SERVER_NAME")
	if !wanted && !unverified && serverName == "" {
		return nil, nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: serverName,
		InsecureSkipVerify: unverified, //nolint:gosec // asked for by name
	}, nil
}

func (e environment) boolean(name string) (bool, error) {
	_, value := e.first(name)
	if value == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("%s is %q: must be true or false", name, value)
	}
	return b, nil
}

// readable says now, rather than in every attempt to connect, that a file cannot be read.
func readable(variable, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("%s: %w", variable, err)
	}
	return f.Close()
}

// errCaptured ends natscontext's attempt to connect before it begins.
var errCaptured = errors.New("options captured")

// context is what the context named by NATS_CONTEXT (a name, or the absolute path of a file) says, nil when none is
// named. The library only connects; its last option is one that keeps the options instead.
func (e environment) context() (*nats.Options, error) {
	_, name := e.first("NATS_CONTEXT")
	if name == "" {
		return nil, nil
	}
	var captured nats.Options
	nc, _, err := natscontext.Connect(name, func(o *nats.Options) error {
		captured = *o
		return errCaptured
	})
	if nc != nil {
		nc.Close()
	}
	if !errors.Is(err, errCaptured) {
		return nil, fmt.Errorf("NATS_CONTEXT: context %q: %w (`nats context ls` lists them)", name, err)
	}
	return &captured, nil
}

// apply copies what a context can say into the options of a connection.
func apply(from *nats.Options, login bool) nats.Option {
	return func(o *nats.Options) error {
		if login {
			o.User, o.Password, o.Token = from.User, from.Password, from.Token
			o.UserJWT, o.Nkey, o.SignatureCB = from.UserJWT, from.Nkey, from.SignatureCB
		}
		o.TLSCertCB, o.RootCAsCB = from.TLSCertCB, from.RootCAsCB
		o.TLSHandshakeFirst = from.TLSHandshakeFirst
		o.Secure = o.Secure || from.Secure
		if from.CustomDialer != nil {
			o.CustomDialer = from.CustomDialer
		}
		if from.InboxPrefix != "" {
			o.InboxPrefix = from.InboxPrefix
		}
		return nil
	}
}
