package envconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/millrace-dev/millrace/client"
)

// options are what an environment makes of nats.go's options, with the client's own.
func options(t *testing.T, env EnvLookupMap) (client.Options, nats.Options) {
	t.Helper()
	o, err := LoadClientOptions(LoadClientOptionsRequest{EnvLookup: env})
	if err != nil {
		t.Fatal(err)
	}
	n := nats.GetDefaultOptions()
	for _, option := range o.ConnectionOptions.NATS {
		if err := option(&n); err != nil {
			t.Fatal(err)
		}
	}
	return o, n
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingSetIsTheDefault(t *testing.T) {
	o, n := options(t, EnvLookupMap{"MILLRACE_ADDRESS": "", "NATS_USER": ""})
	if o.HostPort != "" || o.Namespace != "" || o.Identity != "" || o.Gateway != nil || o.ConnectionOptions.TLS != nil || len(o.ConnectionOptions.NATS) > 0 || n.User != "" {
		t.Errorf("options are %+v", o)
	}
}

func TestNamesAndAddresses(t *testing.T) {
	o, _ := options(t, EnvLookupMap{"MILLRACE_NAMESPACE": "ns", "MILLRACE_IDENTITY": "me", "NATS_URL": "nats://a,nats://b"})
	if o.Namespace != "ns" || o.Identity != "me" || o.HostPort != "nats://a,nats://b" {
		t.Errorf("options are %+v", o)
	}
	if o, _ := options(t, EnvLookupMap{"MILLRACE_ADDRESS": "c:1", "NATS_URL": "nats://a"}); o.HostPort != "c:1" {
		t.Errorf("address is %q: MILLRACE_ADDRESS comes first", o.HostPort)
	}
}

func TestGateway(t *testing.T) {
	for name, c := range map[string]struct {
		env  EnvLookupMap
		want *client.GatewayOptions
	}{
		"absent":                {EnvLookupMap{}, nil},
		"empty":                 {EnvLookupMap{"MILLRACE_GATEWAY": ""}, nil},
		"no":                    {EnvLookupMap{"MILLRACE_GATEWAY": "false"}, nil},
		"no, for a user of one": {EnvLookupMap{"MILLRACE_GATEWAY": "false", "MILLRACE_GATEWAY_INBOX_PREFIX": "_INBOX_alice"}, nil},
		"yes":                   {EnvLookupMap{"MILLRACE_GATEWAY": "true"}, &client.GatewayOptions{}},
		"with an inbox prefix": {EnvLookupMap{"MILLRACE_GATEWAY": "1", "MILLRACE_GATEWAY_INBOX_PREFIX": "_INBOX_alice"},
			&client.GatewayOptions{InboxPrefix: "_INBOX_alice"}},
	} {
		if o, _ := options(t, c.env); (o.Gateway == nil) != (c.want == nil) || c.want != nil && *o.Gateway != *c.want {
			t.Errorf("%s: gateway is %+v, should be %+v", name, o.Gateway, c.want)
		}
	}
}

func TestLogins(t *testing.T) {
	if _, n := options(t, EnvLookupMap{"NATS_USER": "u", "NATS_PASSWORD": "p"}); n.User != "u" || n.Password != "p" {
		t.Errorf("user %q, password %q", n.User, n.Password)
	}
	if _, n := options(t, EnvLookupMap{"NATS_TOKEN": "t"}); n.Token != "t" {
		t.Errorf("token %q", n.Token)
	}
	if _, n := options(t, EnvLookupMap{"NATS_TOKEN": "t", "MILLRACE_API_KEY": "k"}); n.Token != "k" {
		t.Errorf("token %q: MILLRACE_API_KEY comes first", n.Token)
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, n := options(t, EnvLookupMap{"NATS_NKEY": file(t, "seed", string(seed))}); n.Nkey != public || n.SignatureCB == nil {
		t.Errorf("nkey is %q, want %q", n.Nkey, public)
	}
	creds := file(t, "u.creds", "-----BEGIN NATS USER JWT-----\nthe.user.jwt\n------END NATS USER JWT------\n"+
		"-----BEGIN USER NKEY SEED-----\n"+string(seed)+"\n------END USER NKEY SEED------\n")
	_, n := options(t, EnvLookupMap{"NATS_CREDS": creds})
	if n.UserJWT == nil {
		t.Fatal("creds are not used")
	}
	if jwt, err := n.UserJWT(); err != nil || jwt != "the.user.jwt" {
		t.Errorf("JWT is %q, %v", jwt, err)
	}
}

func TestTLS(t *testing.T) {
	cert, key, ca := file(t, "cert.pem", "x"), file(t, "key.pem", "x"), file(t, "ca.pem", "x")
	for name, env := range map[string]EnvLookupMap{
		"NATS":     {"NATS_CERT": cert, "NATS_KEY": key, "NATS_CA": ca},
		"MILLRACE": {"MILLRACE_TLS_CLIENT_CERT_PATH": cert, "MILLRACE_TLS_CLIENT_KEY_PATH": key, "MILLRACE_TLS_SERVER_CA_CERT_PATH": ca},
	} {
		o, err := LoadClientOptions(LoadClientOptionsRequest{EnvLookup: env})
		if err != nil {
			t.Fatal(err)
		}
		// The files are no certificates: that they are read shows in the errors.
		n := nats.GetDefaultOptions()
		for i, want := range []string{"certificate", "CA"} {
			err := o.ConnectionOptions.NATS[i](&n)
			if err == nil && i == 0 && n.TLSCertCB != nil {
				_, err = n.TLSCertCB()
			}
			if err == nil && i == 1 && n.RootCAsCB != nil {
				_, err = n.RootCAsCB()
			}
			if err == nil {
				t.Errorf("%s: the file of the %s is not used", name, want)
			}
		}
	}
	for env, look := range map[string]func(o client.Options) bool{
		"MILLRACE_TLS=true":                           func(o client.Options) bool { return o.ConnectionOptions.TLS != nil },
		"MILLRACE_TLS=false":                          func(o client.Options) bool { return o.ConnectionOptions.TLS == nil },
		"MILLRACE_TLS_SERVER_NAME=host":               func(o client.Options) bool { return o.ConnectionOptions.TLS.ServerName == "host" },
		"MILLRACE_TLS_DISABLE_HOST_VERIFICATION=true": func(o client.Options) bool { return o.ConnectionOptions.TLS.InsecureSkipVerify },
	} {
		name, value, _ := strings.Cut(env, "=")
		if o, _ := options(t, EnvLookupMap{name: value}); !look(o) {
			t.Errorf("%s: TLS is %+v", env, o.ConnectionOptions.TLS)
		}
	}
}

func TestContext(t *testing.T) {
	path := file(t, "nats/context/prod.json", `{"url": "nats://prod:4222", "user": "ctx", "password": "secret", "inbox_prefix": "_MINE"}`)
	t.Setenv("XDG_CONFIG_HOME", filepath.Dir(filepath.Dir(filepath.Dir(path))))
	for _, name := range []string{"prod", path} {
		o, n := options(t, EnvLookupMap{"NATS_CONTEXT": name})
		if o.HostPort != "nats://prod:4222" || n.User != "ctx" || n.Password != "secret" || n.InboxPrefix != "_MINE" {
			t.Errorf("context %s: address %q, options %+v", name, o.HostPort, n)
		}
	}
	o, n := options(t, EnvLookupMap{"NATS_CONTEXT": "prod", "NATS_URL": "nats://other", "NATS_TOKEN": "t"})
	if o.HostPort != "nats://other" || n.User != "" || n.Token != "t" || n.InboxPrefix != "_MINE" {
		t.Errorf("address %q, user %q, token %q, inbox prefix %q: the variables come before the context, which fills in the rest",
			o.HostPort, n.User, n.Token, n.InboxPrefix)
	}
	o, n = options(t, EnvLookupMap{"NATS_CONTEXT": "prod", "MILLRACE_GATEWAY": "true"})
	if o.Gateway == nil || n.InboxPrefix != "_MINE" {
		t.Errorf("gateway %+v, inbox prefix %q: the context's is to be used", o.Gateway, n.InboxPrefix)
	}
	if _, n = options(t, EnvLookupMap{"NATS_CONTEXT": "prod", "MILLRACE_GATEWAY": "true", "MILLRACE_GATEWAY_INBOX_PREFIX": "_ALICE"}); n.InboxPrefix != "_ALICE" {
		t.Errorf("inbox prefix %q: the variable comes before the context", n.InboxPrefix)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	missing := filepath.Join(t.TempDir(), "missing")
	for name, c := range map[string]struct {
		env  EnvLookupMap
		want string
	}{
		"creds file":        {EnvLookupMap{"NATS_CREDS": missing}, "NATS_CREDS: open " + missing},
		"nkey file":         {EnvLookupMap{"NATS_NKEY": missing}, "NATS_NKEY: read nkey seed from " + missing},
		"two logins":        {EnvLookupMap{"NATS_TOKEN": "t", "NATS_USER": "u"}, "NATS_TOKEN and NATS_USER are set together"},
		"password alone":    {EnvLookupMap{"NATS_PASSWORD": "p"}, "NATS_PASSWORD is set without NATS_USER"},
		"certificate alone": {EnvLookupMap{"NATS_CERT": missing}, "NATS_CERT is set without the key"},
		"key alone":         {EnvLookupMap{"MILLRACE_TLS_CLIENT_KEY_PATH": missing}, "MILLRACE_TLS_CLIENT_KEY_PATH is set without the certificate"},
		"certificate file":  {EnvLookupMap{"NATS_CERT": missing, "NATS_KEY": missing}, "NATS_CERT: open"},
		"CA file":           {EnvLookupMap{"NATS_CA": missing}, "NATS_CA: open"},
		"boolean":           {EnvLookupMap{"MILLRACE_TLS": "yes!"}, `MILLRACE_TLS is "yes!": must be true or false`},
		"gateway":           {EnvLookupMap{"MILLRACE_GATEWAY": "alice"}, `MILLRACE_GATEWAY is "alice": must be true or false`},
		"inbox prefix":      {EnvLookupMap{"MILLRACE_GATEWAY_INBOX_PREFIX": "_INBOX_a"}, "MILLRACE_GATEWAY_INBOX_PREFIX is set without MILLRACE_GATEWAY"},
		"context":           {EnvLookupMap{"NATS_CONTEXT": "nowhere"}, `NATS_CONTEXT: context "nowhere"`},
	} {
		_, err := LoadClientOptions(LoadClientOptionsRequest{EnvLookup: c.env})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestDefaultReadsTheProcess(t *testing.T) {
	t.Setenv("MILLRACE_NAMESPACE", "from-the-process")
	if o, err := LoadDefaultClientOptions(); err != nil || o.Namespace != "from-the-process" {
		t.Errorf("namespace %q, %v", o.Namespace, err)
	}
	if o := MustLoadDefaultClientOptions(); o.Namespace != "from-the-process" {
		t.Errorf("namespace %q", o.Namespace)
	}
	t.Setenv("MILLRACE_TLS", "perhaps")
	defer func() {
		if recover() == nil {
			t.Error("a wrong variable does not stop MustLoadDefaultClientOptions")
		}
	}()
	MustLoadDefaultClientOptions()
}
