package install

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/millrace-dev/millrace/internal/security"
)

// The limits of a tenant's account, which bound what one tenant can take from the server.
const (
	tenantConnections   = 1000
	tenantSubscriptions = 100_000
	tenantPayload       = 1 << 20
)

// accountsFile is included by the files of the servers.
const accountsFile = "accounts.conf"

// addAccounts signs the accounts and writes them as a resolver in memory.
func (i *Installation) addAccounts() error {
	operator, err := i.key("operator", nkeys.CreateOperator)
	if err != nil {
		return err
	}
	public, err := operator.PublicKey()
	if err != nil {
		return fmt.Errorf("operator: %w", err)
	}
	system, err := i.accountKey(systemAccount)
	if err != nil {
		return err
	}
	claims := jwt.NewOperatorClaims(public)
	claims.Name, claims.SystemAccount = i.plan.Operator, system.public
	token, err := claims.Encode(operator)
	if err != nil {
		return fmt.Errorf("sign operator: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by `millrace security`; do not edit. It holds no secret.\noperator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n",
		token, system.public)
	for _, name := range i.accountNames() {
		key, err := i.accountKey(name)
		if err != nil {
			return err
		}
		claims, err := i.account(name, key)
		if err != nil {
			return err
		}
		token, err := claims.Encode(operator)
		if err != nil {
			return fmt.Errorf("sign account %s: %w", name, err)
		}
		fmt.Fprintf(&b, "  # %s\n  %s: %s\n", name, key.public, token)
	}
	b.WriteString("}\n")
	i.files[accountsFile] = File{Data: []byte(b.String())}
	return nil
}

// signer is the key of an account.
type signer struct {
	nkeys.KeyPair
	public string
}

func (i *Installation) accountKey(name string) (signer, error) {
	k, err := i.key(name, nkeys.CreateAccount)
	if err != nil {
		return signer{}, err
	}
	public, err := k.PublicKey()
	if err != nil {
		return signer{}, fmt.Errorf("account %s: %w", name, err)
	}
	return signer{k, public}, nil
}

// account is what an account may do.
func (i *Installation) account(name string, key signer) (*jwt.AccountClaims, error) {
	claims := jwt.NewAccountClaims(key.public)
	claims.Name = name
	switch name {
	case systemAccount:
		return claims, nil
	case security.EngineAccount:
		claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit,
			Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
		for _, e := range security.Exports(i.tenants()) {
			// Who imports it shows an activation that the engine's account has signed for him.
			claims.Exports.Add(&jwt.Export{Name: e.Subject, Subject: jwt.Subject(e.Subject), Type: jwt.Service, TokenReq: true})
		}
		return claims, nil
	}
	claims.Limits.Conn, claims.Limits.LeafNodeConn = tenantConnections, 0
	claims.Limits.Subs, claims.Limits.Payload = tenantSubscriptions, tenantPayload
	claims.Limits.Exports, claims.Limits.DisallowBearer = 0, true
	engine, err := i.accountKey(security.EngineAccount)
	if err != nil {
		return nil, err
	}
	for _, subject := range (security.Tenant{Namespaces: i.plan.tenant(name).Namespaces}).Imports() {
		activation := jwt.NewActivationClaims(key.public)
		activation.Name, activation.ImportSubject, activation.ImportType = name, jwt.Subject(subject), jwt.Service
		token, err := activation.Encode(engine)
		if err != nil {
			return nil, fmt.Errorf("sign the import of %s by %s: %w", subject, name, err)
		}
		claims.Imports.Add(&jwt.Import{Name: subject, Subject: jwt.Subject(subject), Account: engine.public, Token: token, Type: jwt.Service})
	}
	return claims, nil
}

func (i *Installation) tenants() []security.Tenant {
	var all []security.Tenant
	for _, t := range i.plan.Tenants {
		all = append(all, security.Tenant{Account: t.Account, Namespaces: t.Namespaces})
	}
	return all
}

// CredentialsFile is where the credentials of a user are kept.
func CredentialsFile(account, user string) string { return "creds/" + account + "/" + user + ".creds" }

// Credentials makes new credentials of a user, as clients of NATS read them. They are good until expires, to the second; zero
// means for ever.
func (i *Installation) Credentials(account string, u security.User, expires time.Time) (File, error) {
	if u.Role.Trusted() != (account == security.EngineAccount) {
		return File{}, fmt.Errorf("%w: role %s does not belong into account %s", ErrInvalid, u.Role, account)
	}
	if t := i.plan.tenant(account); !u.Role.Trusted() && (t == nil || !slices.Contains(t.Namespaces, u.Namespace)) {
		return File{}, fmt.Errorf("%w: account %s has no namespace %q", ErrInvalid, account, u.Namespace)
	}
	p, err := u.Permissions()
	if err != nil {
		return File{}, err
	}
	key, err := i.accountKey(account)
	if err != nil {
		return File{}, err
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		return File{}, fmt.Errorf("key of user %s: %w", u.Name, err)
	}
	public, err := user.PublicKey()
	if err != nil {
		return File{}, fmt.Errorf("key of user %s: %w", u.Name, err)
	}
	seed, err := user.Seed()
	if err != nil {
		return File{}, fmt.Errorf("key of user %s: %w", u.Name, err)
	}
	claims := jwt.NewUserClaims(public)
	claims.Name = u.Name
	claims.Pub.Allow.Add(p.Publish...)
	claims.Sub.Allow.Add(p.Subscribe...)
	if !expires.IsZero() {
		claims.Expires = expires.Unix()
	}
	token, err := claims.Encode(key)
	if err != nil {
		return File{}, fmt.Errorf("sign user %s: %w", u.Name, err)
	}
	data, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		return File{}, fmt.Errorf("credentials of user %s: %w", u.Name, err)
	}
	return File{Data: data, Secret: true}, nil
}
