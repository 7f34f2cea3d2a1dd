package security

import (
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/streams"
)

// Role is what a user of the broker is there for.
type Role string

// The roles of the engine's account, from the most powerful on.
const (
	// RoleOperator may do everything in the engine's account. It is for people, in an emergency.
	RoleOperator Role = "operator"
	// RoleInstaller creates and completes namespaces, and does what RoleEngine does. It is for `millrace namespace`, not for
	// what runs all the time.
	RoleInstaller Role = "installer"
	// RoleEngine runs the engine: daemons, workers that register workflows, and clients that are trusted with every
	// namespace. It can neither create nor delete nor change streams.
	RoleEngine Role = "engine"
)

// The roles of tenants' accounts. They reach the gateway only.
const (
	// RoleStarter starts runs and does with them what a client does.
	RoleStarter Role = "starter"
	// RoleViewer looks at runs and waits for their results.
	RoleViewer Role = "viewer"
	// RoleWorker runs the activities of its task queues, and of no others.
	RoleWorker Role = "worker"
)

// Roles lists all roles.
func Roles() []Role {
	return []Role{RoleOperator, RoleInstaller, RoleEngine, RoleStarter, RoleViewer, RoleWorker}
}

// Trusted says whether the role belongs to the engine's account.
func (r Role) Trusted() bool { return r == RoleOperator || r == RoleInstaller || r == RoleEngine }

// User is somebody with a role.
type User struct {
	// Name is the user's, unique in the account: letters, digits, '_' and '-'. It is in the user's inbox prefix.
	Name string
	Role Role
	// Namespace is the one that a user of a tenant's account works in. It is empty for trusted roles.
	Namespace string
	// Queues are the task queues of a worker, or those that a starter may start runs on; none means every queue of the
	// namespace for a starter, and is an error for a worker.
	Queues []string
}

// Permissions are the subjects that a user may publish and subscribe to.
type Permissions struct {
	Publish, Subscribe []string
}

// ErrInvalid is returned for a user that cannot be given permissions.
var ErrInvalid = errors.New("invalid user")

// InboxPrefix is how the inboxes of a user begin. Nobody else of the account can read there. A client has to be told of it:
// client.GatewayOptions.InboxPrefix, or nats.CustomInboxPrefix.
func (u User) InboxPrefix() string { return "_INBOX_" + u.Name }

func (u User) check() error {
	if err := streams.CheckNamespace(u.Name); err != nil {
		return fmt.Errorf("%w: name %q: 1 to 64 letters, digits, '_' and '-' are needed", ErrInvalid, u.Name)
	}
	switch {
	case u.Role.Trusted():
		if u.Namespace != "" || len(u.Queues) > 0 {
			return fmt.Errorf("%w: %s: role %s is not bound to a namespace or to queues", ErrInvalid, u.Name, u.Role)
		}
		return nil
	case u.Role != RoleStarter && u.Role != RoleViewer && u.Role != RoleWorker:
		return fmt.Errorf("%w: %s: role %q is none of %v", ErrInvalid, u.Name, u.Role, Roles())
	case u.Role == RoleWorker && len(u.Queues) == 0:
		return fmt.Errorf("%w: %s: a worker needs task queues", ErrInvalid, u.Name)
	case u.Role == RoleViewer && len(u.Queues) > 0:
		return fmt.Errorf("%w: %s: role %s is not bound to queues", ErrInvalid, u.Name, u.Role)
	}
	if err := streams.CheckNamespace(u.Namespace); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, u.Name, err)
	}
	for _, q := range u.Queues {
		if err := streams.CheckTaskQueue(q); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInvalid, u.Name, err)
		}
	}
	return nil
}

// Permissions are what the user's role allows.
func (u User) Permissions() (Permissions, error) {
	if err := u.check(); err != nil {
		return Permissions{}, err
	}
	switch u.Role {
	case RoleOperator:
		return Permissions{Publish: []string{">"}, Subscribe: []string{">"}}, nil
	case RoleInstaller:
		p := enginePermissions()
		p.Publish = append(p.Publish, installerSubjects()...)
		return p, nil
	case RoleEngine:
		return enginePermissions(), nil
	}
	p := Permissions{Subscribe: []string{u.InboxPrefix() + ".>"}}
	for _, v := range gatewire.Verbs() {
		if !allows(u.Role, v) {
			continue
		}
		queues := u.Queues
		if !v.Queued() || len(queues) == 0 {
			queues = []string{""} // every queue, where there is one
		}
		for _, q := range queues {
			p.Publish = append(p.Publish, streams.GatewaySubject(u.Namespace, v.OnWire(), q))
		}
	}
	return p, nil
}

// allows says whether a role of a tenant may ask for a verb.
func allows(r Role, v gatewire.Verb) bool {
	switch v {
	case gatewire.Info:
		return true
	case gatewire.Describe, gatewire.Result:
		return r == RoleStarter || r == RoleViewer
	case gatewire.Poll, gatewire.Complete, gatewire.Heartbeat:
		return r == RoleWorker
	}
	return r == RoleStarter
}

// enginePermissions are those of who runs the engine. Streams cannot be named by prefix in a subject; the account holds no
// others.
func enginePermissions() Permissions {
	return Permissions{
		Publish: []string{
			"millrace.>",
			"$KV.>",
			"$JS.ACK.>",
			"$JS.API.INFO",
			"$JS.API.STREAM.INFO.*",
			"$JS.API.STREAM.NAMES",
			"$JS.API.STREAM.MSG.GET.*",
			"$JS.API.STREAM.MSG.DELETE.*",
			"$JS.API.STREAM.PURGE.*",
			"$JS.API.DIRECT.GET.>",
			"$JS.API.CONSUMER.INFO.*.*",
			"$JS.API.CONSUMER.CREATE.>",
			"$JS.API.CONSUMER.MSG.NEXT.*.*",
			// Consumers that are stuck, or that a killed server brought back, are made anew. They hold nothing of their own.
			"$JS.API.CONSUMER.LIST.*",
			"$JS.API.CONSUMER.DELETE.*.*",
			"$JS.API.CONSUMER.RESET.*.*",
			"$JS.API.CONSUMER.LEADER.STEPDOWN.*.*",
			// Answers: to clients of this account, and to what other accounts import.
			"_INBOX.>",
			"_R_.>",
		},
		Subscribe: []string{"millrace.>", "_INBOX.>", "$SRV.>"},
	}
}

// installerSubjects are what creating namespaces needs beside.
func installerSubjects() []string {
	return []string{"$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.LIST"}
}
