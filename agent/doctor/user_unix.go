//go:build unix

package doctor

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An Account is the user that the agent runs as.
type Account struct {
	Name   string
	uid    uint32
	groups []uint32
	// whole: groups are those of the process, and not only those that the system's files know.
	whole bool
}

// Root says whether it is the user who may do everything.
func (a *Account) Root() bool { return a.uid == 0 }

// AccountOf finds the user that the agent runs as: that of the running agent with this process id, else the one that the service
// manager names, else the owner of data_dir. nil if nobody can tell.
func AccountOf(pid int, service, dataDir string) *Account {
	if a := accountOfProcess("/proc", pid); a != nil {
		return a
	}
	if u, err := user.Lookup(service); service != "" && err == nil {
		return accountOf(u)
	}
	info, err := os.Stat(dataDir)
	if dataDir == "" || err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if u, err := user.LookupId(strconv.FormatUint(uint64(stat.Uid), 10)); err == nil {
		return accountOf(u)
	}
	return &Account{Name: fmt.Sprintf("#%d", stat.Uid), uid: stat.Uid, groups: []uint32{stat.Gid}}
}

// accountOfProcess reads /proc/PID/status: Uid: and Gid: have the real, the effective and two more ids, Groups: all others.
func accountOfProcess(proc string, pid int) *Account {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "status")) //nolint:gosec // of the kernel
	if pid == 0 || err != nil {
		return nil
	}
	a := &Account{whole: true}
	found := false
	for line := range strings.Lines(string(text)) {
		key, rest, _ := strings.Cut(line, ":")
		ids := numbers(strings.Fields(rest))
		switch {
		case key == "Uid" && len(ids) > 1:
			a.uid, found = ids[1], true
		case key == "Gid" && len(ids) > 1:
			a.groups = append(a.groups, ids[1])
		case key == "Groups":
			a.groups = append(a.groups, ids...)
		}
	}
	if !found {
		return nil
	}
	a.Name = userName(a.uid)
	return a
}

func accountOf(u *user.User) *Account {
	a := &Account{Name: u.Username}
	if ids := numbers([]string{u.Uid}); len(ids) == 1 {
		a.uid = ids[0]
	}
	groups, err := u.GroupIds()
	if err != nil {
		groups = []string{u.Gid}
	}
	a.groups = numbers(groups)
	return a
}

func numbers(words []string) (ids []uint32) {
	for _, w := range words {
		if n, err := strconv.ParseUint(w, 10, 32); err == nil {
			ids = append(ids, uint32(n))
		}
	}
	return ids
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "#" + id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}

// may says whether the user has these rights (4 read, 2 write, 1 go through) to a file by its bits.
func (a *Account) may(info os.FileInfo, want os.FileMode) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || a.uid == 0 {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case stat.Uid == a.uid:
		return mode>>6&want == want
	case slices.Contains(a.groups, stat.Gid):
		return mode>>3&want == want
	}
	return mode&want == want
}

// owns says whether a file belongs to the user, and otherwise to whom.
func (a *Account) owns(info os.FileInfo) (owner string, owns bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == a.uid {
		return a.Name, true
	}
	return userName(stat.Uid), false
}

// groupOf names the group of a file.
func groupOf(info os.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return groupName(stat.Gid)
	}
	return "?"
}
