// Command exchange opens a journal, or makes it, says what it finds, uses it for some days, and says what it leaves:
//
//	exchange DIR
//	found 0 e3b0c442…
//	left 2400 5f1d…
//
// The number is how many passes there are, and the sum is that of all that can be read. The same journal is given to a program
// with the published store and to one with the copy: each must find what the other has left.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/buffer"
)

const (
	portal = "portal"
	passes = 4000 // in one run
	apart  = 2 * time.Minute
)

// noon is when the first pass happened.
var noon = time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC)

func main() {
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "exchange:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, out io.Writer) (err error) {
	var troubles []error
	j, err := buffer.Open(ctx, buffer.Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), Uplinks: []string{portal},
		Keep: 3 * 24 * time.Hour, MinFree: 1 << 20, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Now:    func() time.Time { return noon },
		Report: func(err error) { troubles = append(troubles, err) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close(), errors.Join(troubles...)) }()
	if err := dump(ctx, j, "found", out); err != nil {
		return err
	}
	if err := use(ctx, j); err != nil {
		return err
	}
	return dump(ctx, j, "left", out)
}

// use lets passes be taken, delivered and deleted again.
func use(ctx context.Context, j *buffer.Journal) error {
	began := j.End()
	errs := make([]error, passes)
	next := make(chan int)
	var readers sync.WaitGroup
	for range 100 { // those who come together share a sync
		readers.Go(func() {
			for n := range next {
				_, errs[n] = j.Append(ctx, pass(int(began)+n)) //nolint:gosec // small
			}
		})
	}
	for n := range passes {
		next <- n
	}
	close(next)
	readers.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	source := j.Source(portal)
	for source.Cursor() < j.End() {
		upto := min(source.Cursor()+100, j.End())
		aside := []event.Aside{{Seq: upto, State: event.Dead, Reason: "not known"}}
		if err := source.Settle(ctx, upto, int(upto-source.Cursor())-1, aside); err != nil { //nolint:gosec // small
			return err
		}
	}
	if err := j.Records(portal).Apply(ctx, event.Change{Key: fmt.Sprint("end/", j.End()), Value: []byte(time.Now().String())}); err != nil {
		return err
	}
	return j.Retain(ctx, noon.Add(time.Duration(j.End())*apart), true) //nolint:gosec // small
}

func pass(n int) *event.Pass {
	number := []byte{0, 0, byte(n >> 16), byte(n >> 8), byte(n)} //nolint:gosec // the lower bytes of a small number
	return &event.Pass{
		ID: event.NewID(), Device: "almaty-gate-1", Reader: "gate-1-in", EventID: fmt.Sprint(n),
		Credential: event.Credential{Format: "rdm6300", Number: number, Bits: 40, Raw: make([]byte, event.MaxRaw)},
		At:         event.Instant{Wall: noon.Add(time.Duration(n) * apart), Trusted: true},
	}
}

// dump reads all that the journal has, and says how many passes and which sum.
func dump(ctx context.Context, j *buffer.Journal, what string, out io.Writer) error {
	report, err := j.Verify(ctx, nil)
	if err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("%s a journal that is not right: %q", what, report.Problems)
	}
	all := sha256.New()
	_, _ = fmt.Fprintln(all, j.End(), j.Source(portal).Cursor())
	count := 0
	err = j.Visit(ctx, 0, func(seq uint64, addressee string, p *event.Pass) bool {
		count++
		_, _ = fmt.Fprintf(all, "%d %s %x\n", seq, addressee, event.AppendEncoded(nil, p))
		return true
	})
	if err != nil {
		return err
	}
	err = j.Asides(ctx, portal, event.Dead, 0, func(a buffer.AsideRecord) bool {
		_, _ = fmt.Fprintf(all, "%d %s %s %x\n", a.Seq, a.Reason, a.At, event.AppendEncoded(nil, &a.Pass))
		return true
	})
	if err != nil {
		return err
	}
	err = j.Records(portal).Each("", func(key string, value []byte) bool {
		_, _ = fmt.Fprintf(all, "%s %s\n", key, value)
		return true
	})
	_, _ = fmt.Fprintf(out, "%s %d %x\n", what, count, all.Sum(nil))
	return err
}
