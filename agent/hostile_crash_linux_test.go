package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/acs-agent/acs-agent/agent/cardholders"
	"github.com/acs-agent/acs-agent/agent/event"
	"github.com/acs-agent/acs-agent/agent/health"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

// printed are the ways in which a text or a number of a person could stand in what a process says when it dies: as it is, in the escapes
// of a dump, and as the runtime prints arguments, which is in hexadecimal.
func printed(p person) (all []string) {
	for _, text := range []string{p.name, p.iin, p.written} {
		all = append(all, text, hex.EncodeToString([]byte(text)), base64.StdEncoding.EncodeToString([]byte(text)), strings.Trim(fmt.Sprintf("%+q", text), `"`))
	}
	iin, _ := strconv.ParseUint(p.iin, 10, 64)
	all = append(all, fmt.Sprintf("%#x", iin), fmt.Sprint(p.card.number()), fmt.Sprintf("0x%x", p.card[:]))
	for _, at := range []int{0, 8} { // as words of memory
		if b := append([]byte(p.iin), 0, 0, 0, 0); len(b) >= at+8 {
			all = append(all, fmt.Sprintf("0x%x", reversed(b[at:at+8])))
		}
		if b := []byte(p.name); len(b) >= at+8 {
			all = append(all, fmt.Sprintf("0x%x", reversed(b[at:at+8])))
		}
	}
	return all
}

func reversed(b []byte) []byte {
	b = bytes.Clone(b)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// told searches the last words of a process for people and other secrets, and gives what it finds with what stands around it.
func told(words string, people int, more ...string) string {
	for n := range people {
		more = append(more, printed(e2ePerson(n))...)
	}
	for _, form := range more {
		if at := strings.Index(words, form); len(form) > 5 && at >= 0 {
			return fmt.Sprintf("%q: …%s…", form, words[max(0, at-200):min(len(words), at+200)])
		}
	}
	return ""
}

// TestLastWordsTellNothingOfAnybody lets agents die in every way in which a process can be made to from outside, while they have passes of known
// people in hand, with the environment asking for as much as there is. What they print holds no name, number, card or key, and no core
// is left, though cores are asked for.
func TestLastWordsTellNothingOfAnybody(t *testing.T) {
	t.Parallel()
	for what, kill := range map[string]func(*testing.T, *gateway){
		"SIGQUIT": func(t *testing.T, g *gateway) { signalTo(t, g, syscall.SIGQUIT) },
		"SIGABRT": func(t *testing.T, g *gateway) { signalTo(t, g, syscall.SIGABRT) },
		"SIGSEGV": func(t *testing.T, g *gateway) { signalTo(t, g, syscall.SIGSEGV) },
		// The disk takes back what the store has mapped: a fault of memory in the middle of a write.
		"SIGBUS": func(t *testing.T, g *gateway) {
			logs, err := filepath.Glob(g.path("data/journal/*.mem"))
			if err != nil || len(logs) == 0 {
				t.Fatalf("no log of the store: %v", err)
			}
			for _, path := range logs {
				if err := os.Truncate(path, 0); err != nil {
					t.Fatal(err)
				}
			}
		},
		"out of memory": func(t *testing.T, g *gateway) {
			if err := unix.Prlimit(g.agent.cmd.Process.Pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}, nil); err != nil {
				t.Fatal(err)
			}
			for range 200 { // each connection wants memory
				_, _ = statusOf(g.path("data"))
			}
			// What is left may be enough for a while; then it ends as by a watchdog.
			select {
			case <-g.agent.ended:
			case <-time.After(2 * time.Second):
				signalTo(t, g, syscall.SIGQUIT)
			}
		},
	} {
		for _, traceback := range []string{"", "crash"} {
			t.Run(strings.TrimSpace(what+" "+traceback), func(t *testing.T) {
				t.Parallel()
				port := drivertest.Serial(t)
				g := newGateway(t, strings.Replace(serialReader(port.Path), "type:", "repeat: 0s, type:", 1))
				g.change = func(cmd *exec.Cmd) {
					args := append([]string{"-c", `ulimit -c unlimited 2>/dev/null; exec "$0" "$@"`}, cmd.Args...)
					cmd.Path, cmd.Args, cmd.Dir = "/bin/sh", append([]string{"sh"}, args...), g.dir
					cmd.Env = append(cmd.Env, "GOTRACEBACK="+traceback)
				}
				g.start()
				g.works(health.Reader, "gate-1")
				stop := make(chan struct{})
				var reading sync.WaitGroup
				reading.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
							port.Write(rdmFrame(e2ePerson(n % known).card))
						}
					}
				})
				end := sync.OnceFunc(func() { close(stop); reading.Wait() })
				defer end()
				g.await("passes are stored", func() bool {
					s, err := statusOf(g.path("data"))
					return err == nil && s.Journal.Passes >= known
				})
				kill(t, g)
				select {
				case <-g.agent.ended:
				case <-time.After(patience):
					t.Fatal("it does not die")
				}
				end()
				words := g.log()
				if !strings.Contains(words, "goroutine ") && !strings.Contains(words, "fatal error") && !strings.Contains(words, "ThreadSanitizer: out of memory") {
					t.Fatalf("it has died without a word: %v\n%s", g.agent.err, lastLines(words, 20))
				}
				key, err := os.ReadFile(g.path("journal.key"))
				if err != nil {
					key, err = os.ReadFile(g.path("data/journal.key"))
				}
				if err != nil {
					t.Fatal(err)
				}
				if found := told(words, known, gatewayKey, strings.TrimSpace(string(key))); found != "" {
					t.Errorf("the last words tell %s", found)
				}
				leftNoCore(t, g.agent.err, g.dir)
			})
		}
	}
}

func signalTo(t *testing.T, g *gateway, s syscall.Signal) {
	t.Helper()
	if err := g.agent.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func leftNoCore(t *testing.T, ended error, dir string) {
	t.Helper()
	exited, ok := errors.AsType[*exec.ExitError](ended)
	if !ok {
		t.Fatalf("it ended with %v", ended)
	}
	if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.CoreDump() {
		t.Error("its memory was dumped")
	}
	if cores, err := filepath.Glob(filepath.Join(dir, "*core*")); err != nil || len(cores) > 0 {
		t.Errorf("cores: %v, %v", cores, err)
	}
}

// TestNobodyLooksIntoTheMemoryOfAnAgent holds that a core cannot be asked for later either, and that the memory of an agent is closed to other
// programs of its user.
func TestNobodyLooksIntoTheMemoryOfAnAgent(t *testing.T) {
	t.Parallel()
	g := newGateway(t, "")
	g.change = func(cmd *exec.Cmd) { cmd.Dir = g.dir; cmd.Env = append(cmd.Env, "GOTRACEBACK=crash") }
	g.start()
	pid := g.agent.cmd.Process.Pid
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil || countLines(string(limits), "Max core file size", " 0 ") != 1 {
		t.Errorf("limits: %v\n%s", err, limits)
	}
	// What is not dumpable belongs to root, and so does the way to its memory (proc(5)). Tests that run as root see it in the words of
	// the kernel only.
	if os.Getuid() != 0 {
		if _, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid)); err == nil {
			t.Error("its memory can be read")
		}
	}
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil) // root may
	signalTo(t, g, syscall.SIGABRT)
	<-g.agent.ended
	leftNoCore(t, g.agent.err, g.dir)
}

// dyingVariable makes TestDyingChild die, in the way that it names.
const dyingVariable = "ACS_AGENT_TEST_DIE"

// TestLastWordsOfAFaultOfOursTellNothing has a process that finds people in a list and has their passes in hand die of faults of its own.
func TestLastWordsOfAFaultOfOursTellNothing(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"nil", "index", "error", "stack", "quit", "map", "a name", "a number"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "list.csv"), []byte(listOf(known)), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run", "^TestDyingChild$")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), dyingVariable+"="+way, "GOTRACEBACK=all")
			words, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(words, []byte("goroutine ")) {
				t.Fatalf("%v\n%s", err, words)
			}
			// The last two show that the search finds what is told.
			if found := told(string(words), known); (found != "") != strings.HasPrefix(way, "a ") {
				t.Errorf("the last words tell %q", found)
			}
			leftNoCore(t, err, dir)
		})
	}
}

// TestDyingChild does nothing unless it is the child of the test above.
func TestDyingChild(t *testing.T) {
	way := os.Getenv(dyingVariable)
	if way == "" {
		return
	}
	keepMemoryPrivate()
	debug.SetMaxStack(1 << 20)
	book, _, err := cardholders.Load("list.csv", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range known {
		p := e2ePerson(n)
		pass := &event.Pass{Credential: event.Credential{Format: "rdm6300", Number: p.card[:], Bits: 40, Text: p.written}, Note: p.name}
		found := book.Find(&pass.Credential, time.Now())
		pass.Holder = found.Holder
		if pass.Holder.IIN != p.iin {
			t.Fatalf("person %d is not found", n)
		}
		wg.Go(func() {
			_ = guard(context.Background(), func(context.Context) error { <-make(chan int); return use(pass) })
		})
		if n == known-1 {
			go die(way, *pass)
		}
	}
	wg.Wait()
}

func use(p *event.Pass) error { return errors.New(p.Reader) }

func missing() *event.Pass { return nil }

// die has a pass in hand by value.
//
//go:noinline
func die(way string, p event.Pass) {
	switch way {
	case "nil":
		p.Note = missing().Note
	case "index":
		p.Note = p.Note[len(p.Note)+1:]
	case "error":
		panic(errors.New("an error of ours"))
	case "a name":
		panic(p.Holder.Name)
	case "a number":
		iin, _ := strconv.ParseUint(p.Holder.IIN, 10, 64)
		fmt.Fprintln(os.Stderr, tell(iin, 3))
	case "stack":
		die(way, p)
	case "map":
		m := map[string]int{}
		for range 8 {
			go func() {
				for {
					m[p.Holder.IIN]++
				}
			}()
		}
		select {}
	case "quit":
		_ = syscall.Kill(os.Getpid(), syscall.SIGQUIT)
		select {}
	}
	fmt.Fprintln(os.Stderr, len(p.Note))
}

// tell dies with a number of a person among its arguments.
//
//go:noinline
func tell(iin uint64, depth int) uint64 {
	if depth == 0 {
		panic("a fault")
	}
	return tell(iin, depth-1) + iin // so that it has to be kept over the call
}
