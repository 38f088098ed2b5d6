package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIdentify(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy", []string{"MIT"}},
		{"Apache", "Apache License\n   Version 2.0, January 2004\n", []string{"Apache-2.0"}},
		{"three clauses", "Redistribution and use in source and binary forms, ...\nNeither the name of X nor", []string{"BSD-3-Clause"}},
		{"behind the signs of a comment", "// Redistribution and use in source and\n// binary forms", nil},
		{"two clauses on one line", "Redistribution and use in source and binary forms, with or without", []string{"BSD-2-Clause"}},
		{"EPL", "Eclipse Public License - v 2.0", []string{"EPL-2.0"}},
		{"MPL", "Mozilla Public License Version 2.0\n1.1. \"Contributor\" means", []string{"MPL-2.0"}},
		{"two in one file", "Apache License Version 2.0, January 2004 ... Permission is hereby granted, free of charge, to any person", []string{"Apache-2.0", "MIT"}},
		{"nothing that is known", "All rights reserved.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := identify(c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAModuleWithoutAKnownLicenceIsRefused(t *testing.T) {
	dir := t.TempDir()
	var c component
	if err := c.readLicences(dir); err == nil {
		t.Error("no licence at all is taken")
	}
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("ask us"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.readLicences(dir); err == nil || !strings.Contains(err.Error(), "after reading it") {
		t.Errorf("an unknown licence: %v", err)
	}
}

// TestTheSameBinaryGivesTheSameBill makes the bill of this test itself, twice.
func TestTheSameBinaryGivesTheSameBill(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795340344")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, name := range []string{"first", "second"} {
		file := filepath.Join(t.TempDir(), name)
		if err := run("1.0.0", file, file+".txt", []string{self}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, string(text))
	}
	if made[0] != made[1] {
		t.Error("two bills of the same binary differ")
	}
	var b bill
	if err := json.Unmarshal([]byte(made[0]), &b); err != nil {
		t.Fatal(err)
	}
	if b.Metadata.Timestamp != "2026-11-22T09:39:04Z" || !strings.HasPrefix(b.Serial, "urn:uuid:") {
		t.Errorf("made %s, serial number %s", b.Metadata.Timestamp, b.Serial)
	}
	if !slices.ContainsFunc(b.Components, func(e bomEntry) bool {
		return e.Name == "std" && len(e.Licences) == 1 && e.Licences[0].Licence.ID == "BSD-3-Clause"
	}) {
		t.Errorf("the standard library is not listed: %s", made[0])
	}
}

func TestEntry(t *testing.T) {
	published := component{
		module: module{path: "example.org/a", version: "v1.2.3+incompatible"}, sum: "h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", licences: []string{"MIT"},
	}
	e := published.entry()
	if e.PURL != "pkg:golang/example.org/a@v1.2.3%2Bincompatible" || e.Pedigree != nil ||
		len(e.Hashes) != 1 || e.Hashes[0].Content != "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" {
		t.Errorf("%+v", e)
	}
	corrected := published
	corrected.changed = true
	if e := corrected.entry(); e.Pedigree == nil {
		t.Error("a module that was changed is passed off as the published one")
	}
	made := time.Unix(0, 0).UTC()
	if newBill("p", "1", made, []component{published}).Serial == newBill("p", "1", made, []component{corrected}).Serial {
		t.Error("two bills that differ have the same serial number")
	}
}

func TestMoment(t *testing.T) {
	if _, err := moment(""); err == nil || !strings.Contains(err.Error(), "git log") {
		t.Errorf("without SOURCE_DATE_EPOCH: %v", err)
	}
}
