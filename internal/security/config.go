package security

import (
	"fmt"
	"strconv"
	"strings"
)

// Installation is an engine and its tenants.
type Installation struct {
	// Engine are the users of the engine's account.
	Engine  []User
	Tenants []Tenant
}

// Accounts is the installation as the "accounts" block of a nats-server configuration file. Secret returns the password of
// a user of an account: a hash as `nats server passwd` makes it, or, for tests, the password itself.
func (i Installation) Accounts(secret func(account string, u User) string) (string, error) {
	var b strings.Builder
	b.WriteString("accounts {\n")
	fmt.Fprintf(&b, "  %s {\n    jetstream: enabled\n    exports: [\n", EngineAccount)
	for _, e := range Exports(i.Tenants) {
		fmt.Fprintf(&b, "      {service: %s, accounts: %s}\n", strconv.Quote(e.Subject), quoted(e.Accounts))
	}
	b.WriteString("    ]\n")
	if err := writeUsers(&b, EngineAccount, i.Engine, true, secret); err != nil {
		return "", err
	}
	b.WriteString("  }\n")
	for _, t := range i.Tenants {
		if err := t.write(&b, secret); err != nil {
			return "", err
		}
	}
	b.WriteString("}\n")
	return b.String(), nil
}

func (t Tenant) write(b *strings.Builder, secret func(string, User) string) error {
	fmt.Fprintf(b, "  %s {\n    imports: [\n", t.Account)
	for _, subject := range t.Imports() {
		fmt.Fprintf(b, "      {service: {account: %s, subject: %s}}\n", EngineAccount, strconv.Quote(subject))
	}
	b.WriteString("    ]\n")
	if err := writeUsers(b, t.Account, t.Users, false, secret); err != nil {
		return err
	}
	b.WriteString("  }\n")
	return nil
}

func writeUsers(b *strings.Builder, account string, users []User, trusted bool, secret func(string, User) string) error {
	b.WriteString("    users: [\n")
	for _, u := range users {
		if u.Role.Trusted() != trusted {
			return fmt.Errorf("%w: %s has role %s in account %s", ErrInvalid, u.Name, u.Role, account)
		}
		p, err := u.Permissions()
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "      {user: %s, password: %s, permissions: {publish: {allow: %s}, subscribe: {allow: %s}}}\n",
			strconv.Quote(u.Name), strconv.Quote(secret(account, u)), quoted(p.Publish), quoted(p.Subscribe))
	}
	b.WriteString("    ]\n")
	return nil
}

func quoted(list []string) string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(all, ", ") + "]"
}
