package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/contrib/envconfig"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	// exitInterrupted is what shells expect of a program that Ctrl-C ended.
	exitInterrupted = 130
)

// app is one call of the program.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            envconfig.EnvLookup
	flags          globalFlags
	// begun is set when a command was understood and began its work: errors before that are wrong usage.
	begun bool
}

// globalFlags are the flags that every command has.
type globalFlags struct {
	server, context                string
	creds, nkey                    string
	user, password, token          string
	tlsCert, tlsKey, tlsCA         string
	namespace, identity            string
	output, timeFormat, logLevel   string
	commandTimeout, connectTimeout time.Duration
}

// usageError is a mistake in how a command was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// outcomeError ends a command with exit code 1 after it has said everything there is to say.
type outcomeError struct{}

func (outcomeError) Error() string { return "the workflow did not complete" }

// execute runs the command line args and returns the exit code.
func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &outcomeError{}):
		return exitFailure
	case ctx.Err() != nil && a.begun:
		fmt.Fprintln(a.stderr, "millrace: interrupted")
		return exitInterrupted
	case !a.begun || errors.As(err, &usage):
		fmt.Fprintf(a.stderr, "millrace: %v\nRun '%s --help' for usage.\n", err, cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(a.stderr, "millrace: %v\n", a.explain(err))
	return exitFailure
}

// explain adds what to do next where the error does not say it.
func (a *app) explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && a.flags.commandTimeout > 0 {
		return fmt.Errorf("%w (--command-timeout is %v)", err, a.flags.commandTimeout)
	}
	return err
}

// run makes a command's function of one that gets a context bounded by --command-timeout.
func (a *app) run(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := a.flags.check(); err != nil {
			return err
		}
		a.begun = true
		ctx := cmd.Context()
		if a.flags.commandTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, a.flags.commandTimeout)
			defer cancel()
		}
		return do(ctx, args)
	}
}

func (f *globalFlags) check() error {
	for _, c := range []struct {
		flag, value string
		allowed     []string
	}{
		{"output", f.output, []string{outputTable, outputJSON, outputJSONL}},
		{"time-format", f.timeFormat, []string{"", timeRelative, timeISO}},
		{"log-level", f.logLevel, []string{"", "debug", "info", "warn", "error", "off"}},
	} {
		if !contains(c.allowed, c.value) {
			return usagef("--%s %q: must be one of %s", c.flag, c.value, join(c.allowed))
		}
	}
	if f.commandTimeout < 0 {
		return usagef("--command-timeout %v: must not be negative", f.commandTimeout)
	}
	return nil
}

// root is the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "millrace",
		Short: "Durable workflows on NATS JetStream",
		Long: `Millrace runs durable workflows on NATS JetStream.

Begin with:
  millrace dev                      a server for development, kept in your home directory
  millrace workflow list            what runs
  millrace workflow show ID         what happened in a run

Where to connect to: flags come first, then MILLRACE_ADDRESS, MILLRACE_NAMESPACE, ..., then NATS_URL, NATS_CREDS, ...,
then the context that --context or NATS_CONTEXT names; without any of them 127.0.0.1:4222.`,
		Version:           version(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.ArbitraryArgs,
		RunE:              group,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetVersionTemplate("millrace {{.Version}}\n")
	a.globals(root)
	root.AddCommand(a.devCommand(), a.daemonCommand(), a.namespaceCommand(), a.workflowCommand(), a.activityCommand(), a.scheduleCommand(), a.deploymentCommand(), a.deadLetterCommand(), a.securityCommand(),
		a.repairCommand(), a.decodeCommand(), a.migrateCommand(), a.vetCommand(), a.versionCommand())
	return root
}

// group is what a command does that has only subcommands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	if err := cmd.Help(); err != nil {
		return err
	}
	if cmd.HasParent() {
		return usagef("a command is needed")
	}
	return nil
}

func (a *app) globals(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&a.flags.server, "server", "s", "", "NATS server, \"host:port\" or URLs separated by commas (MILLRACE_ADDRESS, NATS_URL)")
	f.StringVar(&a.flags.context, "context", "", "context of the nats command (NATS_CONTEXT)")
	f.StringVar(&a.flags.creds, "creds", "", "credentials `file` (NATS_CREDS)")
	f.StringVar(&a.flags.nkey, "nkey", "", "nkey seed `file` (NATS_NKEY)")
	f.StringVar(&a.flags.user, "user", "", "user name (NATS_USER)")
	f.StringVar(&a.flags.password, "password", "", "password (NATS_PASSWORD)")
	f.StringVar(&a.flags.token, "token", "", "token (NATS_TOKEN)")
	f.StringVar(&a.flags.tlsCert, "tlscert", "", "client certificate `file` (NATS_CERT)")
	f.StringVar(&a.flags.tlsKey, "tlskey", "", "key `file` of the client certificate (NATS_KEY)")
	f.StringVar(&a.flags.tlsCA, "tlsca", "", "`file` of the certificates to trust (NATS_CA)")
	f.StringVarP(&a.flags.namespace, "namespace", "n", "", "namespace (MILLRACE_NAMESPACE; default \"default\")")
	f.StringVar(&a.flags.identity, "identity", "", "how to sign what is done (MILLRACE_IDENTITY; default pid@host)")
	f.StringVarP(&a.flags.output, "output", "o", outputTable, "table, json or jsonl")
	f.StringVar(&a.flags.timeFormat, "time-format", "", "relative or iso (default relative on a terminal, else iso)")
	f.DurationVar(&a.flags.commandTimeout, "command-timeout", 0, "give up after this time (default never)")
	f.DurationVar(&a.flags.connectTimeout, "timeout", 5*time.Second, "time to connect")
	f.StringVar(&a.flags.logLevel, "log-level", "", "debug, info, warn, error or off (default warn; info for dev and daemon)")
}
