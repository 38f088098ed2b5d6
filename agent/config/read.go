package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxFile is the size in bytes of the largest configuration that is read.
const maxFile = 1 << 20

// byteOrderMark is what Notepad puts before a text in UTF-8.
const byteOrderMark = "\uFEFF"

const (
	adviceExample = "begin with the example: acs-agent example > config.yaml"
	adviceUTF8    = "save the file as UTF-8; in Notepad: Save as, Encoding: UTF-8"
)

// read takes the text of the file, or says why it cannot.
func read(path string) ([]byte, error) {
	whole := func(problem, advice string, cause error) error {
		return &Mistakes{{File: path, Problem: problem, Advice: advice, cause: cause}}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, whole("there is no such file", adviceExample+`; another place is named with --config or ACS_AGENT_CONFIG`, err)
	case err == nil && info.IsDir():
		return nil, whole("is a folder", "name the file in it, for example "+filepath.Join(path, "config.yaml"), nil)
	}
	from, err := os.Open(path) //nolint:gosec // the operator names the file
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, whole("may not be read by this user",
			"run the command with sudo, or give the file to the user under which the agent runs", err)
	case err != nil:
		return nil, whole(fmt.Sprintf("cannot be opened: %v", reason(err)), "", err)
	}
	defer from.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, whole(fmt.Sprintf("cannot be read: %v", reason(err)), "", err)
	}
	if len(text) > maxFile {
		return nil, whole("is larger than 1 MB", "this is hardly a configuration: check the name of the file", nil)
	}
	return text, nil
}

// reason is an error of the system without the name of the file, which is told anyway.
func reason(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// newFile takes the lines of a text and refuses what is no text in UTF-8. The text comes back without its byte order mark.
func newFile(path string, text []byte) (*file, []byte, Mistakes) {
	f := &file{path: path}
	if absolute, err := filepath.Abs(path); err == nil {
		f.dir = filepath.Dir(absolute)
	}
	if bytes.HasPrefix(text, []byte{0xFF, 0xFE}) || bytes.HasPrefix(text, []byte{0xFE, 0xFF}) {
		return f, nil, Mistakes{{File: path, Problem: "the text is in UTF-16", Advice: adviceUTF8}}
	}
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	f.lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	f.above = outline(f.lines)
	return f, text, f.foreign()
}

// foreign finds the first line that is no text in UTF-8; the rest will be of the same kind.
func (f *file) foreign() Mistakes {
	for i, line := range f.lines {
		if !utf8.ValidString(line) {
			return Mistakes{f.mistakeAt(i+1, 1, "", "the line is not in UTF-8 (it may be in Windows-1251)", adviceUTF8)}
		}
		if at := strings.IndexFunc(line, isControl); at >= 0 {
			return Mistakes{f.mistakeAt(i+1, utf8.RuneCountInString(line[:at])+1, "",
				"an invisible control character stands in the line", "delete the line and type it anew")}
		}
	}
	return nil
}

// isControl is also true for the line ends that only YAML knows, so that its lines are those of every editor.
func isControl(r rune) bool {
	return r < ' ' && r != '\t' || r == 0x7F || r == 0x85 || r == 0x2028 || r == 0x2029
}

// absolute makes a path absolute that is relative to the folder of the configuration. Nothing stays nothing.
func (f *file) absolute(path string) string {
	if path == "" {
		return ""
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(f.dir, path)
}
