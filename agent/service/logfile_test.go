package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/agent/service"
)

func TestALogFileNeverOccupiesMoreThanItMay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	log := &service.LogFile{Path: filepath.Join(dir, "agent.log"), MaxSize: 100, Keep: 2}
	line := func(n int) string { return fmt.Sprintf("message %03d %s\n", n, strings.Repeat("-", 27)) } // 40 bytes
	for n := range 10 {
		if n == 5 { // as after a start of the service
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if written, err := log.Write([]byte(line(n))); err != nil || written != 40 {
			t.Fatalf("message %d: %d bytes, %v", n, written, err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"agent.log": line(8) + line(9), "agent.log.1": line(6) + line(7), "agent.log.2": line(4) + line(5)} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v, %q, want %q", name, err, got, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("there are %d files", len(entries))
	}
	if err := log.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestALogThatCannotBeWrittenSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &service.LogFile{Path: filepath.Join(file, "agent.log"), MaxSize: 100, Keep: 2}
	if _, err := log.Write([]byte("x")); err == nil {
		t.Error("no error")
	}
}
