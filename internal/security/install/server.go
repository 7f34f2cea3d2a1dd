package install

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ServerFile is the configuration of the server on a host.
func ServerFile(host string) string { return "nats-" + host + ".conf" }

// addServers writes the configuration of each server. Paths are relative to the installation's directory.
func (i *Installation) addServers() error {
	for _, host := range i.plan.Hosts {
		var b strings.Builder
		fmt.Fprintf(&b, "# Written by `millrace security`. Paths are relative to the directory that the server is started in.\n\n")
		fmt.Fprintf(&b, "server_name: %s\nlisten: %s\n\n", strconv.Quote("millrace-"+host), strconv.Quote(net.JoinHostPort("0.0.0.0", strconv.Itoa(i.plan.Port))))
		b.WriteString("# Monitoring pages tell names and subjects and ask nobody who he is: this machine only.\nhttp: 127.0.0.1:8222\n\n")
		b.WriteString("max_payload: 1MB\nwrite_deadline: \"10s\"\n\n")
		fmt.Fprintf(&b, "jetstream {\n  store_dir: %s\n  # What is acknowledged survives a power cut.\n  sync_interval: always\n}\n\n", strconv.Quote(i.plan.Store))
		if i.plan.TLS != TLSOff {
			b.WriteString(i.tls(host, i.plan.TLS == TLSMutual, ""))
		}
		if len(i.plan.Hosts) > 1 {
			i.writeCluster(&b, host)
		}
		fmt.Fprintf(&b, "include %q\n", accountsFile)
		i.files[ServerFile(host)] = File{Data: []byte(b.String())}
	}
	return nil
}

func (i *Installation) writeCluster(b *strings.Builder, host string) {
	fmt.Fprintf(b, "cluster {\n  name: %s\n  listen: \"0.0.0.0:%d\"\n  routes: [\n", i.plan.Operator, i.plan.routePort())
	scheme := "nats"
	if i.plan.TLS != TLSOff {
		scheme = "tls"
	}
	for _, other := range i.plan.Hosts {
		if other != host {
			fmt.Fprintf(b, "    \"%s://%s\"\n", scheme, net.JoinHostPort(other, strconv.Itoa(i.plan.routePort())))
		}
	}
	b.WriteString("  ]\n")
	if i.plan.TLS != TLSOff {
		b.WriteString(i.tls(host, true, "  ")) // servers always show each other who they are
	}
	b.WriteString("}\n\n")
}

func (i *Installation) tls(host string, verify bool, indent string) string {
	return fmt.Sprintf("%[1]stls {\n%[1]s  cert_file: %[2]q\n%[1]s  key_file: %[3]q\n%[1]s  ca_file: %[4]q\n%[1]s  verify: %[5]t\n%[1]s}\n\n",
		indent, certificateFile(host), certificateKeyFile(host), authorityFile, verify)
}

// readme tells whoever finds the directory what is in it.
func (i *Installation) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The installation %s\n\nMade by `millrace security init`. What is below `keys` and `*-key.pem` signs for everybody: keep it off the servers,\n"+
		"and a copy in a safe place.\n\n| file | for |\n|---|---|\n", i.plan.Operator)
	for _, host := range i.plan.Hosts {
		files := "`" + ServerFile(host) + "`, `" + accountsFile + "`"
		if i.plan.TLS != TLSOff {
			files += ", `" + authorityFile + "`, `" + certificateFile(host) + "`, `" + certificateKeyFile(host) + "`"
		}
		fmt.Fprintf(&b, "| %s | the server on %s, started in its copy of this directory: `nats-server --config %s` |\n", files, host, ServerFile(host))
	}
	b.WriteString("| `creds/ACCOUNT/USER.creds` | that user: `NATS_CREDS` |\n")
	if i.plan.TLS != TLSOff {
		fmt.Fprintf(&b, "| `%s` | every client: `NATS_CA` |\n", authorityFile)
	}
	if i.plan.TLS == TLSMutual {
		b.WriteString("| `tls/ACCOUNT/USER.pem`, `tls/ACCOUNT/USER-key.pem` | that user: `NATS_CERT`, `NATS_KEY` |\n")
	}
	b.WriteString("\n`millrace security user` and `millrace security tenant` add to it. Who may do what: docs/security.md of Millrace.\n")
	return b.String()
}
