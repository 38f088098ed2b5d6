package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A component is a linked module with what was found about it.
type component struct {
	module
	sum      string   // as in go.sum: h1:…; "" for the standard library
	licences []string // SPDX identifiers, sorted
	texts    []string // the licences and notices themselves
}

// components finds the published sources of the modules and reads their licences.
func (c *contents) components() ([]component, error) {
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	std := component{module: module{path: "std", version: strings.TrimPrefix(c.goes, "go")}}
	if err := std.readLicences(strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	parts := []component{}
	for _, m := range c.modules {
		// It looks into the module cache first, and compares what it downloads with go.sum.
		text, err := output("go", "mod", "download", "-json", m.path+"@"+m.version)
		if err != nil {
			return nil, err
		}
		var found struct{ Dir, Sum string }
		if err := json.Unmarshal(text, &found); err != nil {
			return nil, err
		}
		part := component{module: m, sum: found.Sum}
		if err := part.readLicences(found.Dir); err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.path, m.version, err)
		}
		parts = append(parts, part)
	}
	return append(parts, std), nil
}

// readLicences reads the licences in the folder of the module, and fails where there is none that we know: a person has to look
// before it is handed on.
func (c *component) readLicences(dir string) error {
	names, err := licenceFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		c.texts = append(c.texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
		c.licences = append(c.licences, identify(string(text))...)
	}
	slices.Sort(c.licences)
	c.licences = slices.Compact(c.licences)
	if len(c.licences) == 0 {
		return fmt.Errorf("no licence that is known in %s (add its form to scripts/packaging/sbom/licence.go after reading it)", dir)
	}
	return nil
}

// licenceFiles lists the licences and notices of a module. Some modules of a repository have theirs a folder or two higher, which
// the module proxy copies down under the same name.
func licenceFiles(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		for _, beginning := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "EPL-", "EDL-"} {
			if e.Type().IsRegular() && strings.HasPrefix(upper, beginning) && filepath.Ext(upper) != ".GO" {
				names = append(names, filepath.Join(dir, e.Name()))
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	return names, nil
}

// identify names the licences whose characteristic words stand in text, by their SPDX identifiers.
func identify(text string) (found []string) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	says := func(words ...string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
	}
	add := func(id string, present bool) {
		if present {
			found = append(found, id)
		}
	}
	bsd := says("redistribution and use in source and binary forms")
	three := says("neither the name") || says("names of its contributors")
	add("Apache-2.0", says("apache license", "version 2.0, january 2004"))
	add("MPL-2.0", says("mozilla public license", "version 2.0", "1.1. \"contributor\""))
	add("EPL-2.0", says("eclipse public license - v 2.0"))
	add("MIT", says("permission is hereby granted, free of charge, to any person"))
	add("ISC", says("permission to use, copy, modify, and", "with or without fee is hereby granted"))
	add("BSD-3-Clause", bsd && three)
	add("BSD-2-Clause", bsd && !three)
	return found
}

// licenceTexts is the file that goes along with the program: each text once, under the names of those it belongs to.
func licenceTexts(parts []component) []byte {
	var order []string
	owners := map[string][]string{}
	for i := range parts {
		for _, text := range parts[i].texts {
			if owners[text] == nil {
				order = append(order, text)
			}
			owners[text] = append(owners[text], parts[i].path+" "+parts[i].version)
		}
	}
	var b bytes.Buffer
	b.WriteString("acs-agent contains the modules below (std: the standard library of Go), under these licences.\n")
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(owners[text], "\n"), text)
	}
	return b.Bytes()
}

// output runs a command and returns what it prints; what it complains about becomes the error.
func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	text, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(exit.Stderr))
	}
	return text, err
}
