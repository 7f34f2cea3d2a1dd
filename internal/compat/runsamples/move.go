package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"text/template"
)

const ourModule = "github.com/millrace-dev/millrace"

// updateMod lets the go command complete the go.mod of the directory that it is given, which was not tidied.
const updateMod = "-mod=mod"

// moved is a module that holds the samples after they were brought over. It has the path of the one that they come
// from, so that their imports of each other still hold.
type moved struct {
	root  string // of this repository
	dir   string
	names []string
}

// migration is what `millrace migrate -o json` writes.
type migration struct {
	Files []struct {
		Path string
		Gaps []struct {
			Line int
			What string
		}
	}
}

// bringOver fills the directory and returns the gaps that were told, by sample.
func (m moved) bringOver(ctx context.Context, home string) (map[string][]string, error) {
	for _, name := range append([]string{"scene"}, m.names...) {
		if err := os.CopyFS(filepath.Join(m.dir, "samples", name), os.DirFS(filepath.Join(home, "samples", name))); err != nil {
			return nil, err
		}
	}
	if err := m.writeModule(); err != nil {
		return nil, err
	}
	program := filepath.Join(m.dir, "millrace")
	if _, stderr, err := goCommand(ctx, m.root, "build", "-o", program, "./cmd/millrace"); err != nil {
		return nil, fmt.Errorf("build millrace: %w: %s", err, stderr)
	}
	cmd := exec.CommandContext(ctx, program, "migrate", "-o", "json", "--go-mod", "--replace", m.root, "./...")
	cmd.Dir = m.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("migrate: %w: %s", err, &stderr)
	}
	var report migration
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("report of migrate: %w", err)
	}
	gaps := make(map[string][]string)
	for _, f := range report.Files {
		name := path.Base(path.Dir(filepath.ToSlash(f.Path)))
		for _, g := range f.Gaps {
			gaps[name] = append(gaps[name], fmt.Sprintf("%s:%d: %s", path.Base(f.Path), g.Line, g.What))
		}
	}
	return gaps, nil
}

// writeModule writes a go.mod with the versions of this repository, so that nothing has to be looked up.
func (m moved) writeModule() error {
	mod, err := os.ReadFile(filepath.Join(m.root, "go.mod"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(m.root, "go.sum"))
	if err != nil {
		return err
	}
	text := strings.Replace(string(mod), "module "+ourModule+"\n", "module "+ourModule+"/internal/compat\n", 1)
	return errors.Join(os.WriteFile(filepath.Join(m.dir, "go.mod"), []byte(text), 0o644), os.WriteFile(filepath.Join(m.dir, "go.sum"), sum, 0o644))
}

// live runs the scenario of each sample that builds, all at once on one embedded server.
func (m moved) live(ctx context.Context) (map[string]outcome, error) {
	outcomes := make(map[string]outcome)
	var built []string
	for _, name := range m.names {
		if _, stderr, err := goCommand(ctx, m.dir, "build", updateMod, "./samples/"+name); err != nil {
			first := make(map[string]string)
			for line := range strings.Lines(string(stderr)) {
				note(first, name, line)
			}
			outcomes[name] = outcome("does not build: " + first[name])
			continue
		}
		built = append(built, name)
	}
	var text bytes.Buffer
	if err := driver.Execute(&text, built); err != nil {
		return nil, err
	}
	dir := filepath.Join(m.dir, "driver")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "main.go"), text.Bytes(), 0o644)); err != nil {
		return nil, err
	}
	out, stderr, err := goCommand(ctx, m.dir, "run", updateMod, "./driver")
	if err != nil {
		return nil, fmt.Errorf("driver: %w: %s", err, stderr)
	}
	for line := range strings.Lines(string(out)) {
		if name, result, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			outcomes[name] = outcome(result)
		}
	}
	return outcomes, nil
}

// driver is the program that runs the scenarios. It writes a line for each.
var driver = template.Must(template.New("driver").Parse(`package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"` + ourModule + `/client"
	"` + ourModule + `/log"
	"` + ourModule + `/testsuite"
{{range .}}
	"` + ourModule + `/internal/compat/samples/{{.}}"{{end}}
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		return err
	}
	options := client.Options{HostPort: server.FrontendHostPort(), Logger: log.Discard{}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for name, scenario := range map[string]func(context.Context, client.Options) error{ {{range .}}
		"{{.}}": {{.}}.Run,{{end}}
	} {
		wg.Go(func() {
			result := "ok"
			if err := scenario(ctx, options); err != nil {
				result = "fails: " + strings.Join(strings.Fields(err.Error()), " ")
			}
			mu.Lock()
			defer mu.Unlock()
			fmt.Printf("%s\t%s\n", name, result)
		})
	}
	wg.Wait()
	return server.Stop()
}
`))
