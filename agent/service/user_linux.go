package service

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// serialLines are the patterns of devices that readers hang on.
var serialLines = [...]string{"ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS[0-9]*", "ttymxc*"}

// makeUser makes the user and the group of the service, and makes the user a member of the groups that serial lines belong to.
// Membership instead of a line in the unit: a group that is gone one day must not keep the service from starting.
func (m *machine) makeUser(ctx context.Context, u *Unit) error {
	groups, err := m.table("/etc/group")
	if err != nil {
		return err
	}
	users, err := m.table("/etc/passwd")
	if err != nil {
		return err
	}
	_, group := groups[u.User]
	_, user := users[u.User]
	switch {
	case m.has("useradd"):
		if !group {
			err = m.all(ctx, "groupadd --system "+u.User)
		}
		if err == nil && !user {
			_, err = m.run(ctx, "useradd", "--system", "--gid", u.User, "--home-dir", u.DataDir, "--no-create-home",
				"--shell", "/usr/sbin/nologin", u.User)
		}
	case m.has("adduser"): // busybox
		if !group {
			err = m.all(ctx, "addgroup -S "+u.User)
		}
		if err == nil && !user {
			_, err = m.run(ctx, "adduser", "-S", "-D", "-H", "-h", u.DataDir, "-s", "/sbin/nologin", "-G", u.User, u.User)
		}
	case !user: // OpenWrt has only functions for it
		_, err = m.run(ctx, "sh", "-c", `. /lib/functions.sh && id=$(group_add_next "$0") && user_add "$0" "$id" "$id" "$0" "$1" /bin/false`,
			u.User, u.DataDir)
	}
	if err != nil {
		return err
	}
	return m.joinGroups(ctx, u.User, groups)
}

// joinGroups makes the user a member of the groups of serial lines.
func (m *machine) joinGroups(ctx context.Context, user string, groups map[string][]string) error {
	var errs []error
	for _, g := range m.serialGroups(groups) {
		if entry := groups[g]; len(entry) > 3 && slices.Contains(strings.Split(entry[3], ","), user) {
			continue
		}
		var err error
		switch {
		case m.has("usermod"):
			err = m.all(ctx, "usermod -a -G "+g+" "+user)
		case m.has("addgroup"):
			err = m.all(ctx, "addgroup "+user+" "+g)
		default:
			_, err = m.run(ctx, "sh", "-c", `. /lib/functions.sh && group_add_user "$1" "$0"`, user, g)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// serialGroups are the groups of the serial lines that are there now, and the one that the system has for those to come: dialout
// with Debian, Fedora and OpenWrt, uucp with Arch and Alpine.
func (m *machine) serialGroups(groups map[string][]string) (names []string) {
	byID := make(map[string]string, len(groups))
	for name, entry := range groups {
		if len(entry) > 2 {
			byID[entry[2]] = name
		}
	}
	for _, pattern := range serialLines {
		found, _ := filepath.Glob(m.path("/dev/" + pattern)) // the patterns are right
		for _, device := range found {
			info, err := os.Stat(device)
			if err != nil {
				continue // unplugged meanwhile
			}
			stat, ok := info.Sys().(*syscall.Stat_t)
			if !ok || stat.Gid == 0 {
				continue
			}
			if name := byID[strconv.FormatUint(uint64(stat.Gid), 10)]; name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, usual := range []string{"dialout", "uucp"} {
		if _, ok := groups[usual]; ok {
			if !slices.Contains(names, usual) {
				names = append(names, usual)
			}
			break
		}
	}
	return names
}

// table reads a file like /etc/passwd: the fields of each entry by its name.
func (m *machine) table(name string) (map[string][]string, error) {
	f, err := os.Open(m.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	entries := make(map[string][]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		entries[fields[0]] = fields
	}
	return entries, lines.Err()
}

// onMemoryDisk says whether what is written to the folder, or to the one in which it will be made, lies in main memory only.
func onMemoryDisk(dir string) bool {
	var about syscall.Statfs_t
	for {
		if err := syscall.Statfs(dir, &about); err == nil {
			return memoryDisk(int64(about.Type)) //nolint:unconvert // types differ between architectures
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}

// memoryDisk knows tmpfs and ramfs by the kernel's numbers for kinds of file systems.
func memoryDisk(kind int64) bool {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	return kind&0xffffffff == tmpfs || kind&0xffffffff == ramfs
}
