package envconfig

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoadClientOptions reads any context file of the nats command.
func FuzzLoadClientOptions(f *testing.F) {
	f.Add([]byte(`{"url": "nats://a:1,nats://b", "user": "u", "password": "p", "creds": "/x", "tls_first": true}`), "host:1", "ns")
	f.Add([]byte(`{"url": 7}`), "", "")
	f.Add([]byte(`null`), "\x00", "..")
	f.Fuzz(func(t *testing.T, file []byte, address, namespace string) {
		dir := t.TempDir()
		contexts := filepath.Join(dir, "nats", "context")
		if err := os.MkdirAll(contexts, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(contexts, "c.json"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = LoadClientOptions(LoadClientOptionsRequest{EnvLookup: EnvLookupMap{"XDG_CONFIG_HOME": dir, "NATS_CONTEXT": "c",
			"MILLRACE_ADDRESS": address, "MILLRACE_NAMESPACE": namespace}})
	})
}
