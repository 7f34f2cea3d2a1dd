package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/nats-io/nkeys"

	"github.com/millrace-dev/millrace/internal/security"
)

// PlanFile is where the plan is kept, in the installation's directory.
const PlanFile = "installation.json"

// File is a file of the installation.
type File struct {
	Data []byte
	// Secret files are for their owner's eyes only.
	Secret bool
}

// Installation makes the files of a plan. Keys and certificates that the directory has are kept.
type Installation struct {
	plan  Plan
	have  fs.FS
	files map[string]File
	// keys are by the names of their files.
	keys map[string]nkeys.KeyPair
}

// New returns the installation of a plan; have is the directory as it is, empty at first.
func New(plan Plan, have fs.FS) (*Installation, error) {
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	return &Installation{plan: plan, have: have, files: map[string]File{}, keys: map[string]nkeys.KeyPair{}}, nil
}

// ReadPlan reads the plan of a directory that New has made before.
func ReadPlan(have fs.FS) (Plan, error) {
	data, err := fs.ReadFile(have, PlanFile)
	if err != nil {
		return Plan{}, fmt.Errorf("read installation: %w", err)
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return Plan{}, fmt.Errorf("read installation: %s: %w", PlanFile, err)
	}
	return p, p.Validate()
}

// Files are all files of the installation but those of users, by their paths below its directory.
func (i *Installation) Files() (map[string]File, error) {
	plan, err := json.MarshalIndent(i.plan, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	i.files[PlanFile] = File{Data: append(plan, '\n')}
	for _, step := range []func() error{i.addAccounts, i.addCertificates, i.addServers} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	i.files["README.md"] = File{Data: []byte(i.readme())}
	return maps.Clone(i.files), nil
}

// key is the key pair of a name: the one that the directory has, or a new one.
func (i *Installation) key(name string, create func() (nkeys.KeyPair, error)) (nkeys.KeyPair, error) {
	if k, ok := i.keys[name]; ok {
		return k, nil
	}
	path := keyFile(name)
	seed, err := fs.ReadFile(i.have, path)
	var k nkeys.KeyPair
	switch {
	case err == nil:
		k, err = nkeys.FromSeed(seed)
	case errors.Is(err, fs.ErrNotExist):
		if k, err = create(); err == nil {
			seed, err = k.Seed()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	i.keys[name] = k
	i.files[path] = File{Data: seed, Secret: true}
	return k, nil
}

func keyFile(name string) string { return "keys/" + name + ".nk" }

// accountNames are all accounts: that of the servers, the engine's, and the tenants'.
func (i *Installation) accountNames() []string {
	names := []string{systemAccount, security.EngineAccount}
	for _, t := range i.plan.Tenants {
		names = append(names, t.Account)
	}
	return slices.Clip(names)
}
