package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Files are those whose rights matter. Paths are absolute.
type Files struct {
	Config string
	// Text is the configuration's text, empty if it cannot be read.
	Text string
	// DataDir and KeyFile are empty if they are not known.
	DataDir, KeyFile string
	// Journal says that there is one, so that its key must be there, too.
	Journal bool
	// Account is the user that the agent runs as; nil if nobody can tell.
	Account *Account
}

// maxOwned is how many files of the data directory are looked at.
const maxOwned = 5000

// Look takes down who can read secrets that should not, and who cannot that should.
func (f *Files) Look(ctx context.Context, s *Sheet) {
	if runtime.GOOS == "windows" {
		s.Unseen("rights of files", "", "they are not looked at on Windows")
		return
	}
	f.account(s)
	f.configuration(s)
	f.secrets(s)
	f.key(s)
	f.dataDir(ctx, s)
}

func (f *Files) account(s *Sheet) {
	switch {
	case f.Account == nil:
		s.Unseen("user of the service", "", "nobody can tell yet who runs the agent: it does not run, is no service, and has no data directory")
	case f.Account.Root():
		s.Doubt("user of the service", "run it as a user of its own: acs-agent service install makes one", "the agent runs as root, and needs to be nobody special")
	default:
		s.Good("user of the service", "the agent runs as %s", f.Account.Name)
	}
}

func (f *Files) configuration(s *Sheet) {
	info, err := os.Stat(f.Config)
	if err != nil {
		return // told with the configuration
	}
	lines := make([]string, 0, 4)
	for _, p := range SecretPlaces(f.Text) {
		if p.Text != "" && len(lines) < cap(lines) {
			lines = append(lines, fmt.Sprint(p.Line))
		}
	}
	switch {
	case len(lines) > 0 && info.Mode().Perm()&0o004 != 0:
		s.Wrong(f.Config, "chmod 640 "+f.Config+", and put each secret into a file of its own",
			"every user of this computer can read it, and secrets stand in line %s", strings.Join(lines, ", "))
	case f.Account != nil && !f.Account.may(info, 4):
		s.Wrong(f.Config, fmt.Sprintf("chgrp %s %s && chmod 640 %s", f.Account.Name, f.Config, f.Config),
			"the user %s, who runs the agent, may not read it", f.Account.Name)
	default:
		s.Good(f.Config, "rights %s", info.Mode().Perm())
	}
}

func (f *Files) secrets(s *Sheet) {
	dir := filepath.Dir(f.Config)
	seen := make(map[string]bool)
	for _, p := range SecretPlaces(f.Text) {
		path := os.ExpandEnv(p.File)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if p.File == "" || seen[path] {
			continue
		}
		seen[path] = true
		f.secret(s, path)
	}
}

// secret looks at a file with a secret.
func (f *Files) secret(s *Sheet, path string) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // told with the configuration
	case err != nil:
		s.Unseen(path, "run this with sudo", "this user may not look at it")
	case info.Mode().Perm()&0o007 != 0:
		s.Wrong(path, "chmod 600 "+path, "every user of this computer can use the secret in it (rights %s)", info.Mode().Perm())
	case f.Account != nil && !f.Account.may(info, 4):
		s.Wrong(path, fmt.Sprintf("chown %s %s", f.Account.Name, path), "the user %s, who runs the agent, may not read it", f.Account.Name)
	case info.Mode().Perm()&0o070 != 0:
		s.Doubt(path, "chmod 600 "+path+", unless the group has nobody in it but the service", "the group %s can use the secret in it", groupOf(info))
	default:
		s.Good(path, "rights %s", info.Mode().Perm())
	}
}

// key looks at the file that seals the journal.
func (f *Files) key(s *Sheet) {
	const subject = "key of the journal"
	if f.KeyFile == "" {
		return
	}
	info, err := os.Stat(f.KeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.Journal:
		s.Wrong(subject, "put it back from the backup; without it the stored passes cannot be read", "%s is missing, and the journal is there", f.KeyFile)
		return
	case errors.Is(err, fs.ErrNotExist):
		s.Good(subject, "%s is made at the first start", f.KeyFile)
		return
	case err != nil:
		s.Unseen(subject, "run this with sudo", "this user may not look at %s", f.KeyFile)
		return
	case info.Mode().Perm()&0o077 != 0:
		s.Wrong(subject, "chmod 600 "+f.KeyFile, "others can read %s, and with it the journal (rights %s)", f.KeyFile, info.Mode().Perm())
	case f.Account != nil && !f.Account.may(info, 4):
		s.Wrong(subject, fmt.Sprintf("chown %s %s", f.Account.Name, f.KeyFile), "the user %s, who runs the agent, may not read %s", f.Account.Name, f.KeyFile)
	default:
		s.Good(subject, "%s, rights %s; keep a copy in a safe place", f.KeyFile, info.Mode().Perm())
	}
	if within(f.DataDir, f.KeyFile) {
		s.Doubt(subject, "move it out, and name its new place in buffer.key_file", "it lies in data_dir: who takes the disk's data away takes the key along")
	}
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return dir != "" && err == nil && filepath.IsLocal(rel)
}

// dataDir looks at the folder of the journal and at whom the files in it belong to.
func (f *Files) dataDir(ctx context.Context, s *Sheet) {
	if f.DataDir == "" {
		return
	}
	info, err := os.Stat(f.DataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Good(f.DataDir, "it does not exist yet; the agent makes it when it starts, if it may")
		return
	case err != nil:
		s.Unseen(f.DataDir, "run this with sudo", "this user may not look at it")
		return
	case !info.IsDir():
		s.Wrong(f.DataDir, "name a folder in data_dir", "it is no folder")
		return
	case info.Mode().Perm()&0o007 != 0:
		s.Doubt(f.DataDir, "chmod 750 "+f.DataDir, "every user of this computer can look into it")
	}
	if f.Account == nil {
		return
	}
	if !f.Account.may(info, 7) {
		s.Wrong(f.DataDir, fmt.Sprintf("chown -R %s %s", f.Account.Name, f.DataDir), "the user %s, who runs the agent, may not write there", f.Account.Name)
		return
	}
	foreign, owner, looked, hidden := f.foreign(ctx)
	switch {
	case foreign != "":
		s.Wrong(f.DataDir, fmt.Sprintf("stop the agent, then chown -R %s %s", f.Account.Name, f.DataDir),
			"%s belongs to %s and not to %s, who runs the agent; somebody has used it as another user", foreign, owner, f.Account.Name)
	case hidden:
		s.Unseen(f.DataDir, "run this with sudo", "this user may not look at everything in it")
	default:
		s.Good(f.DataDir, "all files in it, %d, belong to %s", looked, f.Account.Name)
	}
}

// foreign finds a file of the data directory that belongs to another user. Root may use all of them, and is not stopped by that.
func (f *Files) foreign(ctx context.Context) (path, owner string, looked int, hidden bool) {
	_ = filepath.WalkDir(f.DataDir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			hidden = hidden || errors.Is(err, fs.ErrPermission)
			return nil //nolint:nilerr // what cannot be seen is counted
		}
		info, err := entry.Info()
		if ctx.Err() != nil || looked >= maxOwned {
			return fs.SkipAll
		}
		if err != nil || strings.HasPrefix(entry.Name(), trialName) {
			return nil //nolint:nilerr // it has gone meanwhile, or will at once
		}
		looked++
		if who, owns := f.Account.owns(info); !owns && !f.Account.Root() {
			path, owner = name, who
			return fs.SkipAll
		}
		return nil
	})
	return path, owner, looked, hidden
}
