package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"foyer/internal/app"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

const usage = `foyer: a self-hosted, headless customer portal for billing

  foyer demo                 the whole customer journey on this machine, then a running server
  foyer serve                API and workers
  foyer migrate up|status    the database schema
  foyer migrate copy         an embedded database into PostgreSQL
  foyer merchant create      a new merchant: its portal and first secret key
  foyer import paddle        customers, payments and invoices from Paddle's API payloads
  foyer keys list|rotate     signing keys of access tokens
  foyer sandbox-gateway      the sandbox payment gateway as a process of its own
  foyer check                compares the books with the gateway's ledger and with themselves
  foyer doctor               what is not right, and how to mend it

foyer COMMAND -h tells a command's flags. Settings are FOYER_… variables; see the README.
`

// program is where a command reads and writes.
type program struct {
	environ []string
	out     io.Writer
	err     io.Writer
}

var commands = map[string]func(ctx context.Context, p *program, args []string) error{
	"demo":            demo,
	"serve":           serve,
	"migrate":         migrate,
	"merchant":        createMerchant,
	"import":          importFrom,
	"keys":            keys,
	"check":           check,
	"sandbox-gateway": sandboxGatewayCommand,
	"doctor":          doctor,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{environ: os.Environ(), out: os.Stdout, err: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// run runs one command and returns the exit status: 0, 1 when it failed, 2 when it was called wrongly.
func (p *program) run(ctx context.Context, args []string) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		_, _ = fmt.Fprint(p.out, usage)
		return 0
	}
	command, ok := commands[args[0]]
	if !ok {
		_, _ = fmt.Fprintf(p.err, "foyer: there is no command %q\n\n%s", args[0], usage)
		return 2
	}
	err := command(ctx, p, args[1:])
	var wrong *usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &wrong):
		_, _ = fmt.Fprintf(p.err, "foyer %s: %s\n", args[0], wrong.text)
		return 2
	default:
		_, _ = fmt.Fprintf(p.err, "foyer %s: %s\n", args[0], explain(err))
		return 1
	}
}

// usageError says that a command was called wrongly.
type usageError struct{ text string }

// Error says how.
func (e *usageError) Error() string { return e.text }

// explain writes a refusal with its sentences, anything else as it is.
func explain(err error) string {
	e, ok := foyer.AsError(err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(i18n.English.Text("problem."+e.Code, e.Params))
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(f.Pointer, "/"), i18n.English.Text("field."+f.Code, f.Params))
	}
	return b.String()
}

// flags returns a flag set that writes its help where the program does.
func (p *program) flags(name, synopsis string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(p.err)
	f.Usage = func() {
		_, _ = fmt.Fprintf(p.err, "usage: foyer %s\n", synopsis)
		f.PrintDefaults()
	}
	return f
}

// parse reads flags; a mistake in them is a wrong call.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &usageError{err.Error()}
	}
	return nil
}

// open opens the app with the environment's settings. An embedded database is brought up to date by every command that
// needs data; PostgreSQL only by migrate and serve --migrate, so that nobody alters it in passing.
func (p *program) open(ctx context.Context, upToDate bool) (*app.App, environment, error) {
	e, err := readEnvironment(p.environ)
	if err != nil {
		return nil, e, err
	}
	c, err := e.appConfig()
	if err != nil {
		return nil, e, err
	}
	a, err := app.New(ctx, c)
	if err != nil {
		return nil, e, err
	}
	if strings.HasPrefix(c.DatabaseURL, "sqlite:") {
		_, err = a.Migrate(ctx)
	} else if upToDate {
		var pending bool
		if pending, err = a.Store.Pending(ctx); err == nil && pending {
			err = errors.New("the database schema is older than this program: run foyer migrate up")
		}
	}
	if err != nil {
		a.Close()
		return nil, e, err
	}
	return a, e, nil
}

// list collects a flag that may be given several times.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, ", ") }

// Set implements flag.Value.
func (l *list) Set(v string) error {
	*l = append(*l, v)
	return nil
}
