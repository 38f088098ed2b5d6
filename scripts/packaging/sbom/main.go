// Command sbom writes down what is inside the released binaries: a bill of materials in CycloneDX form, and the licences under
// which the modules were given to us, which have to go along with every copy.
//
//	go run ./scripts/packaging/sbom -version 1.0.0 -bom acs-agent.cdx.json -licences LICENSES.txt dist/acs-agent-*
//
// It believes the binaries alone: each carries the list of the modules that were linked in. The same binaries give the same
// files, byte by byte; the moment in the bill is SOURCE_DATE_EPOCH.
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	version := flag.String("version", "", "version of the release")
	bom := flag.String("bom", "", "file for the bill of materials, CycloneDX 1.5 as JSON")
	licences := flag.String("licences", "", "file for the texts of the licences")
	flag.Parse()
	if err := run(*version, *bom, *licences, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(version, bomFile, licencesFile string, binaries []string) error {
	if version == "" || len(binaries) == 0 {
		return errors.New("a version and at least one binary are wanted: sbom -version VERSION [-bom FILE] [-licences FILE] BINARY")
	}
	made, err := moment(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	linked, err := readBinaries(binaries)
	if err != nil {
		return err
	}
	parts, err := linked.components()
	if err != nil {
		return err
	}
	if bomFile != "" {
		text, err := json.MarshalIndent(newBill(linked.program, version, made, parts), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(bomFile, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if licencesFile == "" {
		return nil
	}
	return os.WriteFile(licencesFile, licenceTexts(parts), 0o644)
}

// moment understands SOURCE_DATE_EPOCH: seconds since 1970.
func moment(epoch string) (time.Time, error) {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q (set it to the time of the last commit: git log -1 --format=%%ct)", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// A contents is what the binaries of a release have inside, all together.
type contents struct {
	program string // the path of our own module
	goes    string // the version of Go: go1.26.8
	modules []module
}

// A module is one that is linked into at least one binary.
type module struct {
	path, version string
	changed       bool // built from a copy with corrections of ours
}

func readBinaries(files []string) (contents, error) {
	var c contents
	all := map[module]bool{}
	for _, file := range files {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return c, err
		}
		if c.goes != "" && c.goes != info.GoVersion || c.program != "" && c.program != info.Main.Path {
			return c, fmt.Errorf("%s is not of the same build as the others: %s by %s", file, info.Main.Path, info.GoVersion)
		}
		c.program, c.goes = info.Main.Path, info.GoVersion
		for _, m := range info.Deps {
			all[module{path: m.Path, version: m.Version, changed: m.Replace != nil}] = true
		}
	}
	c.modules = slices.SortedFunc(maps.Keys(all), func(a, b module) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.version, b.version))
	})
	return c, nil
}
