package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/converter/encryption"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/install"
)

func (a *app) securityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "security", Short: "Make operator, accounts, users and certificates of an installation",
		Long: `Writes the files of a small secured installation into a directory: keys of an operator and of accounts, credentials of
users with the permissions of their roles, certificates, and the configuration of one nats-server or three. Nothing is
sent anywhere. Who may do what is in docs/security.md.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.securityInit(), a.securityTenant(), a.securityUser(), a.securityKey())
	return cmd
}

// installationDir is where an installation is kept.
type installationDir struct{ path string }

func (d *installationDir) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.path, "dir", "security", "`directory` of the installation")
}

func (d *installationDir) open() (install.Plan, *install.Installation, error) {
	plan, err := install.ReadPlan(os.DirFS(d.path))
	if errors.Is(err, fs.ErrNotExist) {
		return plan, nil, fmt.Errorf("%s holds no installation: make one with millrace security init --dir %s", d.path, d.path)
	}
	if err != nil {
		return plan, nil, err
	}
	i, err := install.New(plan, os.DirFS(d.path))
	return plan, i, err
}

// write writes files; those that may not be there yet are refused if they are.
func (d *installationDir) write(files map[string]install.File, fresh bool) error {
	paths := slices.Sorted(maps.Keys(files))
	for _, path := range paths {
		if _, err := os.Lstat(filepath.Join(d.path, path)); fresh && err == nil {
			return fmt.Errorf("%s exists already: it is left as it is", filepath.Join(d.path, path))
		}
	}
	for _, path := range paths {
		mode, dirMode := fs.FileMode(0o644), fs.FileMode(0o755)
		if files[path].Secret {
			mode, dirMode = 0o600, 0o700
		}
		full := filepath.Join(d.path, path)
		if err := os.MkdirAll(filepath.Dir(full), dirMode); err != nil {
			return fmt.Errorf("write installation: %w", err)
		}
		if err := os.WriteFile(full, files[path].Data, mode); err != nil {
			return fmt.Errorf("write installation: %w", err)
		}
		if err := os.Chmod(full, mode); err != nil { // of a file that was there before
			return fmt.Errorf("write installation: %w", err)
		}
	}
	return nil
}

func (a *app) securityInit() *cobra.Command {
	var d installationDir
	plan := install.Plan{Operator: "millrace", Port: 4222, Store: "./data", TLS: install.TLSMutual}
	var tenants []string
	cmd := &cobra.Command{
		Use: "init", Short: "Make an installation",
		Long: `Makes the keys of an operator, the account ENGINE with the users operator, installer and engine, and for each tenant an
account with a starter and a viewer for each of its namespaces. Workers of a tenant are added by millrace security user,
because each is bound to its task queues.`,
		Example: `  millrace security init --host nats.example.com --tenant acme=orders,billing
  millrace security user w1 --account acme --role worker --tenant-namespace orders --queue packing
  cd security && nats-server --config nats-nats.example.com.conf`,
		Args: cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			for _, t := range tenants {
				account, namespaces, ok := strings.Cut(t, "=")
				if !ok {
					return fmt.Errorf("--tenant %q: ACCOUNT=NAMESPACE[,NAMESPACE...] is needed", t)
				}
				plan.Tenants = append(plan.Tenants, install.Tenant{Account: account, Namespaces: strings.Split(namespaces, ",")})
			}
			return a.initInstallation(&d, plan)
		}),
	}
	d.add(cmd)
	cmd.Flags().StringVar(&plan.Operator, "operator", plan.Operator, "`name` of the operator, and of the cluster")
	cmd.Flags().StringSliceVar(&plan.Hosts, "host", []string{"localhost"}, "`name` or address by which clients reach the server; three for a cluster")
	cmd.Flags().IntVar(&plan.Port, "port", plan.Port, "port for clients; servers reach each other at the one a thousand higher")
	cmd.Flags().StringVar(&plan.Store, "store", plan.Store, "`directory` of the streams on each server")
	cmd.Flags().StringVar((*string)(&plan.TLS), "tls", string(plan.TLS), "mutual (clients have certificates), server, or off")
	cmd.Flags().StringArrayVar(&tenants, "tenant", nil, "`ACCOUNT=NAMESPACE[,NAMESPACE...]` of a tenant; can be given more than once")
	return cmd
}

func (a *app) initInstallation(d *installationDir, plan install.Plan) error {
	if _, err := os.Stat(filepath.Join(d.path, install.PlanFile)); err == nil {
		return fmt.Errorf("%s holds an installation already: add to it with millrace security tenant and user", d.path)
	}
	i, err := install.New(plan, os.DirFS(d.path))
	if err != nil {
		return err
	}
	files, err := i.Files()
	if err != nil {
		return err
	}
	for _, role := range []security.Role{security.RoleOperator, security.RoleInstaller, security.RoleEngine} {
		if err := addUser(i, plan, files, security.EngineAccount, security.User{Name: string(role), Role: role}, time.Time{}); err != nil {
			return err
		}
	}
	for _, t := range plan.Tenants {
		if err := addTenantUsers(i, plan, files, t.Account, t.Namespaces); err != nil {
			return err
		}
	}
	if err := d.write(files, true); err != nil {
		return err
	}
	a.tell("%d files written to %s. Its README.md says what each is for.", len(files), d.path)
	return nil
}

// addTenantUsers adds a starter and a viewer for each namespace.
func addTenantUsers(i *install.Installation, plan install.Plan, files map[string]install.File, account string, namespaces []string) error {
	for _, n := range namespaces {
		for _, role := range []security.Role{security.RoleStarter, security.RoleViewer} {
			u := security.User{Name: string(role) + "-" + n, Role: role, Namespace: n}
			if err := addUser(i, plan, files, account, u, time.Time{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// addUser adds the credentials of a user and, for mutual TLS, his certificate.
func addUser(i *install.Installation, plan install.Plan, files map[string]install.File, account string, u security.User, expires time.Time) error {
	credentials, err := i.Credentials(account, u, expires)
	if err != nil {
		return err
	}
	files[install.CredentialsFile(account, u.Name)] = credentials
	if plan.TLS != install.TLSMutual {
		return nil
	}
	certificate, err := i.ClientCertificate(account, u.Name)
	maps.Copy(files, certificate)
	return err
}

func (a *app) securityTenant() *cobra.Command {
	var d installationDir
	cmd := &cobra.Command{
		Use: "tenant ACCOUNT NAMESPACE...", Short: "Add a tenant, or give one more namespaces",
		Long: `Signs the accounts anew and makes a starter and a viewer for each new namespace. Copy accounts.conf to the servers and have
them read it: nats-server --signal reload.`,
		Args: cobra.MinimumNArgs(2),
		RunE: a.run(func(_ context.Context, args []string) error { return a.addTenant(&d, args[0], args[1:]) }),
	}
	d.add(cmd)
	return cmd
}

func (a *app) addTenant(d *installationDir, account string, namespaces []string) error {
	plan, _, err := d.open()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(plan.Tenants, func(t install.Tenant) bool { return t.Account == account })
	if at < 0 {
		plan.Tenants = append(plan.Tenants, install.Tenant{Account: account})
		at = len(plan.Tenants) - 1
	}
	plan.Tenants[at].Namespaces = append(plan.Tenants[at].Namespaces, namespaces...)
	i, err := install.New(plan, os.DirFS(d.path))
	if err != nil {
		return err
	}
	users := map[string]install.File{}
	if err := addTenantUsers(i, plan, users, account, namespaces); err != nil {
		return err
	}
	if err := d.write(users, true); err != nil {
		return err
	}
	files, err := i.Files()
	if err != nil {
		return err
	}
	if err := d.write(files, false); err != nil {
		return err
	}
	a.tell("Tenant %s has the namespaces %s. Copy accounts.conf to the servers, and have them reload it.", account,
		strings.Join(plan.Tenants[at].Namespaces, ", "))
	return nil
}

func (a *app) securityUser() *cobra.Command {
	var d installationDir
	var u security.User
	account := ""
	var valid time.Duration
	cmd := &cobra.Command{
		Use: "user NAME", Short: "Make the credentials of a user",
		Long: `Makes credentials, and with mutual TLS a certificate. The servers need not be told. Roles of ENGINE are operator,
installer and engine, of tenants starter, viewer and worker.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error {
			plan, i, err := d.open()
			if err != nil {
				return err
			}
			u.Name = args[0]
			files := map[string]install.File{}
			expires := time.Time{}
			if valid > 0 {
				expires = time.Now().Add(valid)
			}
			if err := addUser(i, plan, files, account, u, expires); err != nil {
				return err
			}
			if err := d.write(files, true); err != nil {
				return err
			}
			a.tell("%s", filepath.Join(d.path, install.CredentialsFile(account, u.Name)))
			if !u.Role.Trusted() {
				a.tell("Clients with these credentials need the inbox prefix %s.", u.InboxPrefix())
			}
			return nil
		}),
	}
	d.add(cmd)
	cmd.Flags().StringVar(&account, "account", security.EngineAccount, "account of the user: ENGINE, or a tenant's")
	cmd.Flags().StringVar((*string)(&u.Role), "role", string(security.RoleEngine), "what the user is there for")
	cmd.Flags().StringVar(&u.Namespace, "tenant-namespace", "", "namespace of a tenant's user")
	cmd.Flags().StringSliceVar(&u.Queues, "queue", nil, "task queues of a worker, or those that a starter may start runs on (default for a starter: all)")
	cmd.Flags().DurationVar(&valid, "valid", 0, "how long the credentials are good (default: for ever)")
	return cmd
}

func (a *app) securityKey() *cobra.Command {
	return &cobra.Command{
		Use: "key NAME", Short: "Make a key for encrypting payloads",
		Long: `Prints a line for the key ring of the codec in converter/encryption: a name and a random key of 256 bits in base64. The
first line of a ring encrypts, all of them decrypt.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error {
			line := encryption.NewKeyLine(args[0])
			if _, err := encryption.ReadKeyRing(strings.NewReader(line)); err != nil {
				return err
			}
			_, err := fmt.Fprint(a.stdout, line)
			return err
		}),
	}
}
