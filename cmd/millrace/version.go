package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/internal/history"
)

// version is what the build knows about itself, so that it is right after `go install` too.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

type versionInfo struct {
	Version    string `json:"version"`
	Revision   string `json:"revision,omitempty"`
	Format     int    `json:"recordFormat"`
	NATSServer string `json:"embeddedNatsServer"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version", Args: cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			v := versionInfo{
				Version: version(), Format: history.FormatVersion, NATSServer: server.VERSION,
				Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
			}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Revision = s.Value
					}
				}
			}
			if a.flags.output != outputTable {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintf(a.stdout, "millrace %s\nrecord format %d, embedded nats-server %s, %s, %s\n",
				v.Version, v.Format, v.NATSServer, v.Go, v.Platform)
			return err
		}),
	}
}
