//go:build ignore

// This program packs the zones of the served countries from the Go distribution into zones.bin; zone.go describes the form.
// Run it with `go generate` after a new Go release has brought a new tz database.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// served lists the zones by country.
var served = map[string][]string{
	"Kazakhstan": {
		"Asia/Almaty", "Asia/Aqtau", "Asia/Aqtobe", "Asia/Atyrau", "Asia/Oral", "Asia/Qostanay", "Asia/Qyzylorda",
	},
	"Russia": {
		"Europe/Kaliningrad",
		"Europe/Moscow", "Europe/Simferopol", "Europe/Kirov", "Europe/Volgograd",
		"Europe/Samara", "Europe/Saratov", "Europe/Astrakhan", "Europe/Ulyanovsk",
		"Asia/Yekaterinburg",
		"Asia/Omsk",
		"Asia/Krasnoyarsk", "Asia/Novosibirsk", "Asia/Barnaul", "Asia/Tomsk", "Asia/Novokuznetsk",
		"Asia/Irkutsk",
		"Asia/Yakutsk", "Asia/Chita", "Asia/Khandyga",
		"Asia/Vladivostok", "Asia/Ust-Nera",
		"Asia/Magadan", "Asia/Sakhalin", "Asia/Srednekolymsk",
		"Asia/Kamchatka", "Asia/Anadyr",
	},
	"Uzbekistan":   {"Asia/Tashkent", "Asia/Samarkand"},
	"Tajikistan":   {"Asia/Dushanbe"},
	"Kyrgyzstan":   {"Asia/Bishkek"},
	"Turkmenistan": {"Asia/Ashgabat"},
	"Belarus":      {"Europe/Minsk"},
	"Armenia":      {"Asia/Yerevan"},
	"Azerbaijan":   {"Asia/Baku"},
	"Georgia":      {"Asia/Tbilisi"},
}

func main() {
	log.SetFlags(0)
	if err := generate("zones.bin"); err != nil {
		log.Fatalf("pack zones: %v", err)
	}
}

func generate(to string) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("ask for GOROOT: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "lib", "time")
	version, err := release(filepath.Join(source, "update.bash"))
	if err != nil {
		return err
	}
	archive, err := zip.OpenReader(filepath.Join(source, "zoneinfo.zip"))
	if err != nil {
		return err
	}
	defer archive.Close()
	var names []string
	for _, of := range served {
		names = append(names, of...)
	}
	slices.Sort(names)
	out := bytes.NewBufferString(version + "\n")
	for _, name := range names {
		data, err := content(archive, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if len(data) > math.MaxUint16 {
			return fmt.Errorf("%s: %d bytes are too many", name, len(data))
		}
		out.WriteString(name)
		out.WriteByte(0)
		out.Write(binary.BigEndian.AppendUint16(nil, uint16(len(data))))
		out.Write(data)
	}
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// release finds the release of the tz database in the script with which the Go authors made the archive.
func release(script string) (string, error) {
	text, err := os.ReadFile(script)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^DATA=(20[0-9]{2}[a-z])$`).FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s names no release of the tz database", script)
	}
	return string(m[1]), nil
}

func content(archive *zip.ReadCloser, name string) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
