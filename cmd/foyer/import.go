package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/provider/paddle"
)

// maxImportFile bounds what one file may hold; an export of more comes in several files.
const maxImportFile = 256 << 20

func importFrom(ctx context.Context, p *program, args []string) error {
	if len(args) == 0 || args[0] != "paddle" {
		return &usageError{"say import paddle --merchant mer_… FILE…"}
	}
	f := p.flags("import paddle", "import paddle --merchant mer_… [--issuer FILE] FILE…")
	id := f.String("merchant", "", "whose data it is")
	issuerPath := f.String("issuer", "", "JSON file of who issued the invoices: legal_name, address, tax_id, registration_number, email")
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	paths, err := filesAndFlags(f)
	if err != nil {
		return err
	}
	if !foyer.ValidID(foyer.PrefixMerchant, *id) {
		return &usageError{"--merchant needs the id merchant create printed: mer_…"}
	}
	if len(paths) == 0 {
		return &usageError{"name at least one file"}
	}
	issuer, err := readIssuer(*issuerPath)
	if err != nil {
		return err
	}
	batches, broken := readPaddle(paths)
	for _, err := range broken {
		_, _ = fmt.Fprintln(p.err, "broken:", err)
	}
	a, _, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	merchant := foyer.MerchantID(*id)
	if _, err := a.Merchants.ByID(ctx, merchant); err != nil {
		if errors.Is(err, foyer.NotFound) {
			return fmt.Errorf("there is no merchant %s", merchant)
		}
		return err
	}
	summary, err := billing.Import(ctx, a.Store.Importing(issuer), a.IDs, merchant, batches, billing.ImportOptions{Progress: p.progress()})
	printImport(p.out, summary)
	if err != nil {
		return err
	}
	if len(broken) > 0 {
		return fmt.Errorf("%d of %d files could not be read and nothing of them was stored; mend them and import again, what is stored already stays", len(broken), len(paths))
	}
	return nil
}

// filesAndFlags returns the files of a command line in which flags may stand behind files too: a flag taken for a file
// would store data without what the flag says.
func filesAndFlags(f *flag.FlagSet) ([]string, error) {
	var files []string
	for f.NArg() > 0 {
		files = append(files, f.Arg(0))
		if err := parse(f, f.Args()[1:]); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// readPaddle reads every file; a broken one gives nothing but its error.
func readPaddle(paths []string) (batches []billing.ImportBatch, broken []error) {
	for _, path := range paths {
		batch, err := readPaddleFile(path)
		if err != nil {
			broken = append(broken, err)
			continue
		}
		batches = append(batches, batch)
	}
	return batches, broken
}

func readPaddleFile(path string) (billing.ImportBatch, error) {
	info, err := os.Stat(path)
	if err != nil {
		return billing.ImportBatch{}, err
	}
	if info.Size() > maxImportFile {
		return billing.ImportBatch{}, fmt.Errorf("%s is larger than %d MiB; split it", path, maxImportFile>>20)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return billing.ImportBatch{}, err
	}
	return paddle.Parse(filepath.Base(path), content)
}

func readIssuer(path string) (invoice.Party, error) {
	if path == "" {
		return invoice.Party{}, nil
	}
	seller, err := readSeller(path)
	return invoice.SellerParty(seller), err
}

// progress draws a bar on a terminal and nothing anywhere else.
func (p *program) progress() func(done, total int) {
	file, ok := p.err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	const width = 40
	return func(done, total int) {
		filled := width * done / max(total, 1)
		_, _ = fmt.Fprintf(file, "\r%s%s %d/%d", strings.Repeat("█", filled), strings.Repeat("░", width-filled), done, total)
		if done == total {
			_, _ = fmt.Fprintln(file)
		}
	}
}

// printImport says what an import did, record by record where something was left out.
func printImport(w io.Writer, s billing.ImportSummary) {
	_, _ = fmt.Fprintf(w, "%-14s %8s %8s %10s %8s\n", "", "new", "updated", "unchanged", "skipped")
	for _, kind := range billing.ImportKinds {
		c, ok := s.Counts[kind]
		if !ok {
			continue
		}
		_, _ = fmt.Fprintf(w, "%-14s %8d %8d %10d %8d\n", kind, c.Created, c.Updated, c.Unchanged, c.Skipped)
	}
	if s.Joined > 0 {
		_, _ = fmt.Fprintf(w, "joined: %d stored earlier now know what they had waited for\n", s.Joined)
	}
	for _, skip := range s.Skipped {
		_, _ = fmt.Fprintf(w, "skipped: %s %s %s\n", skip.Kind, skip.ExternalID, skip.Reason)
	}
	for _, m := range s.Mismatches {
		_, _ = fmt.Fprintf(w, "note: the lines of %s do not add up to its %s; amounts are kept as they are\n", m.ExternalID, strings.Join(m.Sums, ", "))
	}
	for _, id := range s.AmountsUnknown {
		_, _ = fmt.Fprintf(w, "note: what %s costs is not in the data, because its prices are in another currency; it is shown as unknown\n", id)
	}
	var ignored []string
	for what, n := range s.Ignored {
		ignored = append(ignored, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(ignored)
	if len(ignored) > 0 {
		_, _ = fmt.Fprintf(w, "ignored: %s\n", strings.Join(ignored, ", "))
	}
}
