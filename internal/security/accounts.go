package security

import "github.com/millrace-dev/millrace/streams"

// EngineAccount is the usual name of the account that holds the streams.
const EngineAccount = "ENGINE"

// Tenant is an account that holds nothing.
type Tenant struct {
	// Account is the account's name in a configuration file, or its public key.
	Account string
	// Namespaces are those whose gateways it may use.
	Namespaces []string
	Users      []User
}

// Export is a service of the engine's account that the named accounts may import, and no others.
type Export struct {
	Subject  string
	Accounts []string
}

// Exports are what the engine's account exports to tenants: each namespace's gateway to the accounts that were given it.
func Exports(tenants []Tenant) []Export {
	var exports []Export
	at := map[string]int{}
	for _, t := range tenants {
		for _, namespace := range t.Namespaces {
			i, known := at[namespace]
			if !known {
				i = len(exports)
				at[namespace] = i
				exports = append(exports, Export{Subject: streams.GatewaySubjects(namespace)})
			}
			exports[i].Accounts = append(exports[i].Accounts, t.Account)
		}
	}
	return exports
}

// Imports are the subjects that the tenant's account imports from the engine's, as services, under the same subjects.
func (t Tenant) Imports() []string {
	var imports []string
	for _, namespace := range t.Namespaces {
		imports = append(imports, streams.GatewaySubjects(namespace))
	}
	return imports
}
