package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/acs-agent/acs-agent/agent/settings"
)

// maxSecret is the size in bytes of the largest file that is taken for a secret.
const maxSecret = 64 << 10

// credentialsDirectory is the environment variable in which systemd names the folder of LoadCredential=.
const credentialsDirectory = "CREDENTIALS_DIRECTORY"

// secret fills v with the secret that belongs to key: from the service manager's credentials, else from the file that key_file
// names, else from the configuration itself. If fromFile is false the struct has a use of its own for key_file.
func (d *decoder) secret(section *node, field, key string, fromFile bool, v reflect.Value) {
	plain, name := section.get(key), (*node)(nil)
	if fromFile {
		name = section.get(key + "_file")
	}
	at, atFile := join(field, key), join(field, key+"_file")
	if plain != nil && plain.kind == scalar {
		d.file.hide(plain.text, plain)
	}
	if d.credential(section, at, key, v) {
		return
	}
	switch {
	case plain != nil && name != nil:
		d.wrong(plain, at, fmt.Sprintf("%s and %s_file are both set", key, key), "delete the line with the secret itself")
	case plain != nil:
		d.value(plain, at, v)
	case name != nil && len(name.mistakes) > 0:
		d.mistakes.Add(name.mistakes...)
	case name != nil && d.is(scalar, name, atFile):
		path := d.file.absolute(name.text)
		value, private, err := readSecret(path)
		if err != nil {
			problem, advice := secretProblem(name.raw, err)
			d.wrong(name, atFile, problem, advice)
			return
		}
		if !private {
			d.file.warn(d.file.mistake(name, atFile, "other users of this computer can read the file with the secret", "chmod 600 "+name.raw))
		}
		d.keep(value, v)
	}
}

// plainSecret takes a secret that stands in the configuration itself.
func (d *decoder) plainSecret(n *node, field string, v reflect.Value) {
	if n.kind == scalar {
		d.file.hide(n.text, n)
	}
	if !d.is(scalar, n, field) {
		return
	}
	if n.raw == n.text {
		key := field[strings.LastIndexByte(field, '.')+1:]
		d.file.warn(d.file.mistake(n, field, "the secret stands in the configuration itself, where backups and screenshots show it",
			fmt.Sprintf("put it into a file of its own and write %s_file: with the name of that file", key)))
	}
	d.keep(n.text, v)
}

// credential looks for the secret among the credentials that the service manager passed, first under the section's own name.
func (d *decoder) credential(section *node, field, key string, v reflect.Value) bool {
	dir := os.Getenv(credentialsDirectory)
	if dir == "" {
		return false
	}
	names := []string{key}
	if nameForm.MatchString(d.section) {
		names = []string{d.section + "." + key, key}
	}
	for _, name := range names {
		value, _, err := readSecret(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			problem, advice := secretProblem(name+" in $"+credentialsDirectory, err)
			d.mistakes.Add(d.file.mistake(section, field, problem, advice))
		default:
			d.keep(value, v)
		}
		return true
	}
	return false
}

func (d *decoder) keep(value string, v reflect.Value) {
	d.file.hide(value, nil)
	d.secrets = append(d.secrets, value)
	v.Set(reflect.ValueOf(settings.NewSecret(value)))
}

var (
	errEmptySecret = errors.New("it is empty")
	errLargeSecret = errors.New("it is larger than 64 KiB")
	errFolder      = errors.New("it is a folder")
)

// readSecret reads a secret without the end of its line. private says that nobody can read the file but its owner and a
// group, and that the group cannot change it: the service reads as a member of its group what belongs to the administrator. Where the
// system has no such permissions it is always true.
func readSecret(path string) (secret string, private bool, err error) {
	info, err := os.Stat(path) //nolint:gosec // named in the configuration
	if err != nil {
		return "", false, err
	}
	if info.IsDir() {
		return "", false, errFolder
	}
	private = runtime.GOOS == "windows" || info.Mode().Perm()&0o027 == 0
	from, err := os.Open(path) //nolint:gosec // the path is the operator's own
	if err != nil {
		return "", false, err
	}
	defer from.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	if err != nil {
		return "", false, err
	}
	if len(text) > maxSecret {
		return "", false, errLargeSecret
	}
	text = bytes.TrimRight(bytes.TrimPrefix(text, []byte(byteOrderMark)), "\r\n")
	if len(text) == 0 {
		return "", false, errEmptySecret
	}
	return string(text), private, nil
}

// secretProblem says what is the matter with a file that should hold a secret. The errors of the system name the file again
// and are not needed.
func secretProblem(name string, err error) (problem, advice string) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no file %s", name), "write the secret into this file; a relative name counts from the folder of the configuration"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("the file %s may not be read", name), "give the file to the user under which the agent runs, with chown"
	case errors.Is(err, errEmptySecret):
		return fmt.Sprintf("the file %s is empty", name), "write the secret into this file, on one line"
	default:
		return fmt.Sprintf("the file %s cannot be used: %v", name, reason(err)), "write the secret into a small text file, on one line"
	}
}
