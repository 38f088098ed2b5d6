package serialport

import (
	"path/filepath"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// A Look is what can be seen of a reader's port without opening it.
type Look struct {
	// Named is how the configuration names the port: a path, or "usb 0403:6001".
	Named string
	// Path is where the port is; empty if it is not there.
	Path string
	// Missing says why it is not there and what to do; nil if it is.
	Missing error
	// Lasting is a path to the same port that stays when plugs are moved, if the configuration names one that does not and there is
	// a better one; otherwise empty.
	Lasting string
	// Holders are the programs that have the port open, Hidden says that there are programs into which this process may not look.
	Holders []Holder
	Hidden  bool
}

// A Holder is a program that has a port open.
type Holder struct {
	PID  int
	Name string
}

// LookAt looks at the port that a reader's section names. ok is false if it names none.
func LookAt(section settings.Section) (look Look, ok bool) {
	s := Settings{Port: section.Text("port"), USB: section.Text("usb")}
	key := Key(section)
	if key == "" {
		return Look{}, false
	}
	look.Named = key
	path, err := s.find()
	if err != nil {
		look.Missing = err
		return look, true
	}
	if look.Missing = present(path); look.Missing != nil {
		return look, true
	}
	look.Path = path
	if s.USB == "" {
		look.Lasting = lasting("/dev/serial", path)
	}
	look.Holders, look.Hidden = holdersOf("/proc", path)
	return look, true
}

// lasting gives the link below dir that leads to the port at path; empty if path itself is such a link or there is none. The names
// in by-id come first: they stay with the adapter, those in by-path with the socket.
func lasting(dir, path string) string {
	device, err := filepath.EvalSymlinks(path)
	if err != nil || device != filepath.Clean(path) {
		return "" // a link, which somebody has made so that it lasts
	}
	for _, folder := range []string{"by-id", "by-path"} {
		links, err := filepath.Glob(filepath.Join(dir, folder, "*"))
		if err != nil {
			continue
		}
		for _, link := range links {
			if to, err := filepath.EvalSymlinks(link); err == nil && to == device {
				return link
			}
		}
	}
	return ""
}
