package buffer

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/acs-agent/acs-agent/agent/event"
)

// childDir is the variable that makes the test binary the process that is killed.
const childDir = "JOURNAL_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func childOptions(dir string) Options {
	return Options{
		Dir: filepath.Join(dir, "journal"), KeyFile: filepath.Join(dir, "journal.key"), Uplinks: []string{"visits"},
		MinFree: 1 << 20, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		tuning: tuning{ballast: 4096, segmentPasses: 3000},
	}
}

// child appends until it is killed, and says of each pass which number it was given: only then does it count as taken. It
// settles and deletes beside that.
func child(dir string) error {
	j, err := Open(context.Background(), childOptions(dir))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	errs := make(chan error)
	for w := range 8 {
		go func() {
			for n := w; ; n += 8 {
				p := testPass(n)
				seq, err := j.Append(context.Background(), p)
				if err != nil {
					errs <- err
					return
				}
				mu.Lock()
				fmt.Printf("%d %s\n", seq, p.ID)
				mu.Unlock()
			}
		}()
	}
	go func() {
		s := j.Source("visits")
		for {
			if upto := s.End(); upto > s.Cursor()+100 {
				aside := []event.Aside{{Seq: upto - 10, State: event.Held}, {Seq: upto - 9, State: event.Dead}}
				if err := s.Settle(context.Background(), upto-5, 1, aside); err != nil {
					errs <- err
					return
				}
				if err := j.Retain(context.Background(), time.Now().Add(1000*day), true); err != nil {
					errs <- err
					return
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return <-errs
}

func TestNothingThatWasTakenIsLostWhenTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	taken := map[string]string{} // number → id
	for round := range 10 {
		killed(t, dir, time.Duration(50+rand.IntN(300))*time.Millisecond, taken)
		o := childOptions(dir)
		o.Log = nil
		o.Report = func(err error) { t.Errorf("round %d: reported %v", round, err) }
		j, err := Open(t.Context(), o)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		first := j.Stats().First
		found := map[string]string{}
		err = j.Visit(t.Context(), 0, func(seq uint64, _ string, p *event.Pass) bool {
			found[fmt.Sprint(seq)] = p.ID.String()
			return true
		})
		if err != nil {
			t.Error(err)
		}
		for number, id := range taken {
			var seq uint64
			if _, err := fmt.Sscan(number, &seq); err != nil {
				t.Fatal(err)
			}
			if seq >= first && found[number] != id {
				t.Errorf("round %d: pass %d was taken and is lost", round, seq)
			}
		}
		if first > j.Source("visits").Cursor()+1 {
			t.Errorf("round %d: deleted up to %d, delivered up to %d", round, first-1, j.Source("visits").Cursor())
		}
		if v, err := j.Verify(t.Context(), nil); err != nil || !v.OK() {
			t.Errorf("round %d: %+v, %v", round, v, err)
		}
		shut(t, j)
	}
	t.Logf("%d passes were taken", len(taken))
	if len(taken) == 0 {
		t.Error("nothing was taken")
	}
}

// killed runs the child, kills it after a while, and notes what it said it had taken.
func killed(t *testing.T, dir string, after time.Duration, taken map[string]string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var kill *time.Timer
	for lines.Scan() {
		if kill == nil { // the clock runs from the first pass, so that a slow start does not make an empty round
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		var number, id string
		if n, _ := fmt.Sscan(lines.Text(), &number, &id); n == 2 && len(id) == 32 { // the last line may be cut
			taken[number] = id
		}
	}
	_ = cmd.Wait() // it was killed
}
