package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// source is what a module is built from: the text of each file by its path in the module, with slashes.
type source map[string][]byte

// readSource reads the files of a module, without its tests.
func readSource(dir string) (source, error) {
	files := source{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		built := name == "go.mod" || name == "LICENSE" || filepath.Ext(name) == ".go" || filepath.Ext(name) == ".s"
		if e.IsDir() || !built || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(relative)] = text
		return err
	})
	return files, err
}

// save makes the folder hold these files and no others. It leaves alone what is there already: another build may be reading it.
func (s source) save(folder string) error {
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if _, wanted := s[filepath.ToSlash(relative)]; !wanted {
			return os.Remove(path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for path, text := range s {
		if err := write(filepath.Join(folder, filepath.FromSlash(path)), text); err != nil {
			return err
		}
	}
	return nil
}

// write makes the file have this text, if it has not.
func write(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
