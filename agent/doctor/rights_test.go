//go:build unix

package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// look gives what a check finds, a line for each finding: level, subject, text → advice. The folder is left out of it.
func look(t *testing.T, dir string, c Check) string {
	t.Helper()
	s := &Sheet{group: c.Group}
	c.Look(t.Context(), s)
	var lines []string
	for _, f := range s.Findings() {
		line := string(f.Level) + " " + f.Subject + ": " + f.Text
		if f.Advice != "" {
			line += " → " + f.Advice
		}
		if dir != "" {
			line = strings.ReplaceAll(line, dir+"/", "")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// place makes files with their rights.
func plant(t *testing.T, dir string, files map[string]os.FileMode) {
	t.Helper()
	for name, mode := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// other is a user that nobody is, in no group that anybody is in.
func other() *Account { return &Account{Name: "acs-agent", uid: 54321, groups: []uint32{54321}} }

func me(t *testing.T) *Account {
	t.Helper()
	return &Account{Name: "me", uid: uint32(os.Geteuid()), groups: []uint32{uint32(os.Getegid())}}
}

func TestRights(t *testing.T) {
	const text = "mqtt: {password: hunter2}\nuplinks: [{api_key_file: acs.key}]\n"
	for name, c := range map[string]struct {
		files   map[string]os.FileMode
		prepare func(f *Files)
		want    []string
	}{
		"all is right": {
			files: map[string]os.FileMode{"config.yaml": 0o640, "acs.key": 0o600, "journal.key": 0o600, "data/journal/MANIFEST": 0o600},
			want: []string{
				"ok user of the service: the agent runs as", "ok config.yaml: rights -rw-r-----", "ok acs.key: rights -rw-------",
				"ok key of the journal: journal.key, rights -rw-------; keep a copy", "ok DATA: all files in it, 3, belong to me",
			},
		},
		"everybody can read everything": {
			files: map[string]os.FileMode{"config.yaml": 0o644, "acs.key": 0o644, "journal.key": 0o644, "data/x": 0o600},
			want: []string{
				"wrong config.yaml: every user of this computer can read it, and secrets stand in line 1 → chmod 640",
				"wrong acs.key: every user of this computer can use the secret in it (rights -rw-r--r--) → chmod 600",
				"wrong key of the journal: others can read journal.key, and with it the journal (rights -rw-r--r--) → chmod 600",
			},
		},
		"the service may not read anything": {
			files:   map[string]os.FileMode{"config.yaml": 0o600, "acs.key": 0o600, "journal.key": 0o600, "data/x": 0o600},
			prepare: func(f *Files) { f.Account = other() },
			want: []string{
				"ok user of the service: the agent runs as acs-agent",
				"wrong config.yaml: the user acs-agent, who runs the agent, may not read it → chgrp acs-agent",
				"wrong acs.key: the user acs-agent, who runs the agent, may not read it → chown acs-agent",
				"wrong key of the journal: the user acs-agent, who runs the agent, may not read journal.key → chown acs-agent",
				"wrong DATA: the user acs-agent, who runs the agent, may not write there → chown -R acs-agent",
			},
		},
		"somebody has used the data as another user": {
			files: map[string]os.FileMode{"config.yaml": 0o644, "acs.key": 0o604, "journal.key": 0o600, "data/journal/000001.vlog": 0o600},
			prepare: func(f *Files) {
				f.Account = other()
				if err := os.Chmod(f.DataDir, 0o777); err != nil {
					panic(err)
				}
			},
			want: []string{
				"warning DATA: every user of this computer can look into it → chmod 750",
				"wrong DATA: ", " and not to acs-agent, who runs the agent; somebody has used it as another user → stop the agent, then chown -R acs-agent",
			},
		},
		"the key is gone": {
			files:   map[string]os.FileMode{"config.yaml": 0o640, "data/journal/MANIFEST": 0o600},
			prepare: func(f *Files) { f.Journal = true },
			want:    []string{"wrong key of the journal: journal.key is missing, and the journal is there → put it back from the backup"},
		},
		"the group can read a secret": {
			files: map[string]os.FileMode{"config.yaml": 0o640, "acs.key": 0o640, "journal.key": 0o600},
			want:  []string{"warning acs.key: the group ", " can use the secret in it → chmod 600", "ok DATA: it does not exist yet"},
		},
		"the key lies with the data": {
			files:   map[string]os.FileMode{"config.yaml": 0o640, "data/journal.key": 0o600},
			prepare: func(f *Files) { f.KeyFile = filepath.Join(f.DataDir, "journal.key") },
			want:    []string{"warning key of the journal: it lies in data_dir"},
		},
		"data_dir is no folder": {
			files:   map[string]os.FileMode{"config.yaml": 0o640, "data": 0o600},
			prepare: func(*Files) {},
			want:    []string{"wrong DATA: it is no folder → name a folder in data_dir"},
		},
		"nobody knows who runs it": {
			files:   map[string]os.FileMode{"config.yaml": 0o640},
			prepare: func(f *Files) { f.Account = nil },
			want:    []string{"unsure user of the service: nobody can tell yet who runs the agent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			plant(t, dir, c.files)
			f := &Files{
				Config: filepath.Join(dir, "config.yaml"), Text: text, DataDir: filepath.Join(dir, "data"), KeyFile: filepath.Join(dir, "journal.key"), Account: me(t),
			}
			if c.prepare != nil {
				c.prepare(f)
			}
			got := strings.ReplaceAll(look(t, "", Check{Group: Rights, Look: f.Look}), f.DataDir+":", "DATA:")
			got = strings.ReplaceAll(got, dir+"/", "")
			for _, want := range c.want {
				if !strings.Contains(got, want) && (os.Geteuid() != 0 || !strings.HasPrefix(want, "ok user of the service: the agent runs as")) {
					t.Errorf("%q is missing:\n%s", want, got)
				}
			}
			if strings.Contains(got, "hunter2") {
				t.Error("it tells the secret")
			}
		})
	}
}

func TestTheAccountOfARunningProcess(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]os.FileMode{"77/status": 0o600})
	text := "Name:\tacs-agent\nUid:\t1\t54321\t1\t1\nGid:\t5\t54322\t5\t5\nGroups:\t20 54323 \n"
	if err := os.WriteFile(filepath.Join(dir, "77/status"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := accountOfProcess(dir, 77)
	if a == nil || a.uid != 54321 || a.Name != "#54321" || len(a.groups) != 3 || a.groups[0] != 54322 || a.groups[2] != 54323 {
		t.Errorf("%+v", a)
	}
	if a := accountOfProcess(dir, 78); a != nil {
		t.Errorf("a process that is not there has an account: %+v", a)
	}
	if a := AccountOf(0, "", filepath.Join(dir, "none")); a != nil {
		t.Errorf("nobody runs it: %+v", a)
	}
	if a := AccountOf(0, "", dir); a == nil || int(a.uid) != os.Geteuid() {
		t.Errorf("the owner of data_dir: %+v", a)
	}
}
