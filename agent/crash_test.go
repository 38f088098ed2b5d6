package main

import (
	"strings"
	"testing"
)

const (
	crashHead  = "boot=b pid=7 started=1790000000000000000\n"
	crashFault = "unexpected fault address 0x7f4a9c000f00\nfatal error: fault\n" +
		"[signal SIGBUS: bus error code=0x2 addr=0x7f4a9c000f00 pc=0x46fd31]\n\ngoroutine 25 gp=0xc000102a80 m=4 mp=0xc000100008 [running]:\n"
	crashPanic = "panic: runtime error: slice bounds out of range [:9] with capacity 4\n\ngoroutine 31 [running]:\n"
	inRuntime  = "runtime.throw({0x8b3c2d?, 0x0?})\n\t/usr/local/go/src/runtime/panic.go:1094 +0x48 fp=0xc0 sp=0xc0 pc=0x43\n"
	inStore    = "github.com/dgraph-io/badger/v4.(*logFile).encodeEntry(0xc000, {0x1, 0x2})\n\t/home/x/badger/v4/memtable.go:286 +0x1f5\n"
	inJournal  = "github.com/acs-agent/acs-agent/buffer.(*opener).open.func1({0x1})\n\t/home/x/buffer/scan.go:160 +0x1f5\n"
	inUplink   = "github.com/acs-agent/acs-agent/uplink/acs.send({0x1})\n\t/home/x/uplink/acs/send.go:16 +0x1f5\n"
	crashTail  = "created by github.com/dgraph-io/badger/v4.Open in goroutine 1\n\t/home/x/badger/v4/db.go:398 +0x1\n\ngoroutine 1 [select]:\n"
)

func TestACrashTellsWhereItWas(t *testing.T) {
	for name, c := range map[string]struct {
		text       string
		how, where string // nothing: there was no crash
		store      bool
	}{
		"nothing":           {"", "", "", false},
		"the process works": {crashHead, "", "", false},
		"it was killed while it wrote": {
			crashHead + "unexpected fault", "", "", false,
		},
		"a fault in the store": {
			crashHead + crashFault + inRuntime + inStore + crashTail,
			"fatal error: fault SIGBUS", "github.com/dgraph-io/badger/v4.(*logFile).encodeEntry memtable.go:286", true,
		},
		"a fault in what the store gave": {
			crashHead + crashFault + inRuntime + inJournal + inStore + crashTail,
			"fatal error: fault SIGBUS", "github.com/acs-agent/acs-agent/buffer.(*opener).open.func1 scan.go:160", true,
		},
		"a panic in the store": {
			crashHead + crashPanic + inRuntime + inStore + crashTail,
			"panic: runtime error: slice bounds out of range [:9] with capacity 4",
			"github.com/dgraph-io/badger/v4.(*logFile).encodeEntry memtable.go:286", true,
		},
		"a panic in the journal": {
			crashHead + crashPanic + inRuntime + inJournal + crashTail,
			"panic: runtime error: slice bounds out of range [:9] with capacity 4",
			"github.com/acs-agent/acs-agent/buffer.(*opener).open.func1 scan.go:160", false,
		},
		"a panic with a value": {
			crashHead + "panic: 900101300017\n\ngoroutine 3 [running]:\n" + inRuntime + inUplink + crashTail,
			"panic", "github.com/acs-agent/acs-agent/uplink/acs.send send.go:16", false,
		},
		"no memory": {
			crashHead + "fatal error: runtime: out of memory\n\ngoroutine 3 [running]:\n" + inRuntime + inStore + crashTail,
			"fatal error: runtime: out of memory", "github.com/dgraph-io/badger/v4.(*logFile).encodeEntry memtable.go:286", false,
		},
	} {
		got, ok := parseCrash([]byte(c.text))
		if !ok {
			if c.how != "" {
				t.Errorf("%s: no crash", name)
			}
			continue
		}
		if got.how != c.how || got.where() != c.where || got.inStore() != c.store {
			t.Errorf("%s:\n%q at %q, in the store %v", name, got.how, got.where(), got.inStore())
		}
		if got.boot != "b" || got.id+"\n" != crashHead || len(got.frames) > 5 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzParseCrash(f *testing.F) {
	f.Add([]byte(crashHead + crashFault + inRuntime + inStore + crashTail))
	f.Add([]byte(crashHead + crashPanic + inJournal))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, ok := parseCrash(text)
		if ok && c.inStore() && !strings.Contains(string(text), "/") {
			t.Errorf("in the store: %+v", c)
		}
	})
}
