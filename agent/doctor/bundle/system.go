package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	logLines = 500
	// longestLine is how much of a line of the log is taken.
	longestLine = 600
	// maxLog bounds what is read of the log.
	maxLog = 1 << 20
	// maxListed is how many files of the data directory are listed.
	maxListed = 500
	logTime   = 5 * time.Second
)

// memoryLine is a line of /proc/meminfo.
var memoryLine = regexp.MustCompile(`^[A-Za-z0-9_()]+: +\d+( kB)?$`)

// System describes the computer below root, which is "/": kernel, uptime, memory, and the disk of the data directory.
func System(root, dataDir string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "system: %s/%s, %d processors\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // of the kernel
		if err != nil {
			return ""
		}
		return string(text)
	}
	release := regexp.MustCompile(`^[A-Za-z0-9._+~-]{1,60}`).FindString(read("proc/sys/kernel/osrelease"))
	name := regexp.MustCompile(`(?m)^PRETTY_NAME="?([A-Za-z0-9 ._/()+-]{1,60})"?$`).FindStringSubmatch(read("etc/os-release"))
	fmt.Fprintf(&b, "kernel: %s\n", release)
	if name != nil {
		fmt.Fprintf(&b, "distribution: %s\n", name[1])
	}
	for _, f := range []struct{ what, file string }{{"uptime", "proc/uptime"}, {"load", "proc/loadavg"}} {
		if first := strings.Fields(read(f.file)); len(first) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", f.what, first[0])
		}
	}
	if dataDir != "" {
		fmt.Fprintf(&b, "disk of data_dir: %s\n", mountOf(read("proc/self/mountinfo"), dataDir))
	}
	b.WriteString("\n")
	for line := range strings.Lines(read("proc/meminfo")) {
		if line = strings.TrimSpace(line); memoryLine.MatchString(line) {
			b.WriteString(line + "\n")
		}
	}
	return b.Bytes()
}

// harmless are options of mounts that say nothing about people or logins.
var harmless = regexp.MustCompile(`^(ro|rw|sync|async|noatime|relatime|nodiratime|nodev|nosuid|noexec|discard|errors=[a-z-]+|commit=\d{1,4}|data=[a-z]+)$`)

// mountOf finds the mount of a folder in mountinfo (proc(5)): id, parent, device, root, mount point, options, optional fields, -,
// type, source, more options.
func mountOf(mountinfo, dir string) string {
	best, found := "", "unknown"
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		fields, rest := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 6 || len(rest) < 2 {
			continue
		}
		point := fields[4]
		if rel, err := filepath.Rel(point, dir); err != nil || !filepath.IsLocal(rel) || len(point) < len(best) {
			continue
		}
		options := strings.Split(fields[5], ",")
		if len(rest) > 2 {
			options = append(options, strings.Split(rest[2], ",")...)
		}
		options = slices.DeleteFunc(options, func(o string) bool { return !harmless.MatchString(o) })
		slices.Sort(options)
		source := masked
		if regexp.MustCompile(`^/dev/[a-z0-9]{1,12}$`).MatchString(rest[1]) || rest[1] == rest[0] {
			source = rest[1]
		}
		best, found = point, fmt.Sprintf("%s on %s (%s)", rest[0], source, strings.Join(slices.Compact(options), ","))
	}
	return found
}

// ownFile is a name that the agent or its store gives to a file.
var ownFile = regexp.MustCompile(`^(journal|journal\.numbers|agent\.sock|lock\.agent|ballast|LOCK|MANIFEST|MANIFEST\.start|KEYREGISTRY|DISCARD|\d{6}\.(sst|vlog)|\d{5}\.mem)$`)

// Listing lists the files of the data directory as ls -l does, with numbers for owners, and without names that people gave.
func Listing(dir string) []byte {
	var b bytes.Buffer
	n := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if err != nil {
			fmt.Fprintf(&b, "%s: cannot be looked at\n", listed(rel))
			return nil //nolint:nilerr // said
		}
		if n++; n > maxListed {
			fmt.Fprintf(&b, "and more\n")
			return fs.SkipAll
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		owner, group := ids(info)
		fmt.Fprintf(&b, "%s %5s %5s %12s %s %s\n", info.Mode(), owner, group, grouped(info.Size()), info.ModTime().UTC().Format("2006-01-02T15:04:05Z"), listed(rel))
		return nil
	})
	if err != nil {
		fmt.Fprintf(&b, "the rest cannot be looked at\n")
	}
	return b.Bytes()
}

// listed is the name of a file as it may be shown.
func listed(rel string) string {
	parts := strings.Split(filepath.ToSlash(rel), "/")
	for i, p := range parts {
		if p != "." && !ownFile.MatchString(p) {
			parts[i] = masked
		}
	}
	return strings.Join(parts, "/")
}

// grouped writes a size with at most three digits in a row, so that nobody takes it for another number: 12'345'678.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "'" + text[i:]
	}
	return text
}

// Log gives the last lines of the service's log, masked; what it says instead if they cannot be had is for people.
func Log(ctx context.Context, service string, m *Mask) []byte {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "journalctl", "-u", service, "-n", fmt.Sprint(logLines), "-o", "cat", "--no-pager", "-q") //nolint:gosec // the name is ours
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		return []byte("the log could not be had; it may be in another place, or this user may not read it: journalctl -u " + service + "\n")
	}
	return Lines(out, m)
}

// Lines masks the last lines of a log.
func Lines(log []byte, m *Mask) []byte {
	log = log[max(0, len(log)-maxLog):]
	lines := strings.Split(strings.TrimRight(string(log), "\n"), "\n")
	var b bytes.Buffer
	for _, line := range lines[max(0, len(lines)-logLines):] {
		text := m.Text(line) // before it is cut: half of a secret would not be known
		b.WriteString(strings.ToValidUTF8(text[:min(len(text), longestLine)], "") + "\n")
	}
	return b.Bytes()
}
