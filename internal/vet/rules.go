package vet

import (
	"go/types"
	"slices"
	"strings"
)

// rule names functions that workflow code must not call.
type rule struct {
	path string
	// names are of functions, of methods as Type.Name, or beginnings of either followed by *.
	names []string
	// except are of those that names means and that are harmless.
	except  []string
	instead string
	local   bool // see finding
}

const (
	insteadRandom = "use workflow.SideEffect, or workflow.GetRandomStream"
	insteadID     = "make it in workflow.SideEffect or in an activity"
	insteadIO     = "do it in an activity"
)

func rules() []rule {
	all := []string{"*"}
	return []rule{
		{path: "time", names: []string{"Now", "Since", "Until"}, instead: "use workflow.Now"},
		{path: "time", names: []string{"Sleep"}, instead: "use workflow.Sleep"},
		{path: "time", names: []string{"After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}, instead: "use workflow.NewTimer"},

		{path: "math/rand", names: all, except: []string{"New*", "Rand.*", "Zipf.*"}, instead: insteadRandom},
		{path: "math/rand/v2", names: all, except: []string{"New*", "Rand.*", "Zipf.*", "PCG.*", "ChaCha8.*"}, instead: insteadRandom},
		{path: "crypto/rand", names: all, instead: insteadRandom},
		{path: "github.com/google/uuid", names: []string{"New*"}, except: []string{"NewMD5", "NewSHA1", "NewHash"}, instead: insteadID},
		{path: "github.com/gofrs/uuid", names: []string{"NewV1", "NewV4", "NewV6", "NewV7"}, instead: insteadID},
		{path: "github.com/gofrs/uuid/v5", names: []string{"NewV1", "NewV4", "NewV6", "NewV7"}, instead: insteadID},
		{path: "github.com/pborman/uuid", names: []string{"New", "NewRandom", "NewUUID"}, instead: insteadID},
		{path: "github.com/rs/xid", names: []string{"New"}, instead: insteadID},
		{path: "github.com/segmentio/ksuid", names: []string{"New", "NewRandom"}, instead: insteadID},
		{path: "github.com/oklog/ulid/v2", names: []string{"Make", "Now"}, instead: insteadID},
		{path: "github.com/nats-io/nuid", names: []string{"Next"}, instead: insteadID},

		{path: "sync", names: []string{"WaitGroup.Wait", "WaitGroup.Go", "Cond.Wait"}, instead: "use workflow.NewWaitGroup or workflow.Await"},
		{path: "sync", names: []string{"Mutex.Lock", "RWMutex.Lock", "RWMutex.RLock"}, instead: "use workflow.NewMutex", local: true},

		{
			path: "os", names: all, instead: insteadIO,
			except: []string{"Is*", "NewSyscallError", "Expand", "PathError.*", "SyscallError.*", "LinkError.*", "FileMode.*"},
		},
		{path: "io/ioutil", names: all, except: []string{"NopCloser", "ReadAll"}, instead: insteadIO},
		{path: "os/exec", names: all, except: []string{"Error.*", "ExitError.*"}, instead: insteadIO},
		{path: "path/filepath", names: []string{"Abs", "EvalSymlinks", "Glob", "Walk*"}, instead: insteadIO},
		{path: "net", names: []string{"Dial*", "Listen*", "Lookup*", "Resolve*", "Interface*", "Dialer.Dial*", "ListenConfig.*", "Resolver.*"}, instead: insteadIO},
		{
			path: "net/http", instead: insteadIO,
			names: []string{"Get", "Head", "Post", "PostForm", "ListenAndServe*", "Serve*", "Client.*", "Transport.RoundTrip", "Server.*"},
		},
		{path: "net/smtp", names: all, instead: insteadIO},
		{path: "database/sql", names: []string{"Open*", "DB.*", "Conn.*", "Tx.*", "Stmt.*", "Rows.*", "Row.*"}, instead: insteadIO},

		{
			path: "runtime", names: all, instead: "do not let decisions depend on the process",
			except: []string{"Caller*", "FuncForPC", "Func.*", "Frames.*", "KeepAlive", "Version", "SetFinalizer", "AddCleanup"},
		},
	}
}

// lookup returns the rule that a function breaks, or nil.
func (c *checker) lookup(fn *types.Func) *rule {
	name := fn.Name()
	if typ := receiver(fn); typ != "" {
		name = typ + "." + name
	}
	for _, r := range c.rules {
		if r.path == fn.Pkg().Path() && matches(r.names, name) && !matches(r.except, name) {
			return &r
		}
	}
	return nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == name || open && strings.HasPrefix(name, prefix)
	})
}
