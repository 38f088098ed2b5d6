package main

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
)

// ours are the packages that take the place of others. They import the standard library only, and are tested where they are.
//
//go:embed standin
var ours embed.FS

// A standIn is a package of ours that the files of a module import in the place of another.
type standIn struct {
	module string
	path   string // which package they import as published
	folder string // which one stands in, below standin
	why    string
}

// standIns are the libraries that Badger drags along and the journal does not use. What each of them weighs stands in
// docs/development.md.
func standIns() []standIn {
	const (
		reports  = "nobody receives reports of the store's compactions"
		compress = "sealed values do not get smaller, and no journal was ever compressed"
	)
	return []standIn{
		{badger, "google.golang.org/protobuf/proto", "proto", "four small messages are encoded by hand; with reflection, the linker keeps all methods of all types"},
		{badger, "go.opentelemetry.io/otel", "otel", reports},
		{badger, "go.opentelemetry.io/otel/attribute", "otel/attribute", reports},
		{badger, "github.com/klauspost/compress/s2", "s2", compress},
		{badger, "github.com/klauspost/compress/snappy", "snappy", compress},
		{badger, "github.com/klauspost/compress/zstd", "zstd", compress},
	}
}

// cutLines let what stands in for a compressor say that it is none.
func cutLines() []correction {
	const why = "compressing can fail where there is no compressor"
	return []correction{
		{
			module: badger, file: "table/builder.go",
			wrong: "return s2.EncodeSnappy(dst, data), nil",
			right: "return s2.EncodeSnappy(dst, data)",
			why:   why,
		},
		{
			module: badger, file: "y/zstd.go",
			wrong: "return encoder.EncodeAll(src, dst[:0]), nil",
			right: "return encoder.EncodeAll(src, dst[:0])",
			why:   why,
		},
	}
}

// An exchange takes a file out of a module, and puts a package of ours in its place or nothing. Everything else in the module
// keeps to what the file has; if it does not, it cannot be built.
type exchange struct {
	module, file string
	sum          string // SHA-256 of the file as published
	folder       string // of the package, below standin; "" for none
	why          string
}

func exchanges() []exchange {
	return []exchange{
		{
			module: badger, file: "pb/badgerpb4.pb.go",
			sum:    "b7a929581b6d88752a32bb4d0b00093fc244914b28e71e784af11c1f5fa7112e",
			folder: "pb",
			why:    "the messages that standin/proto encodes",
		},
		{
			module: broker, file: "packets/tpackets.go",
			sum: "958d994c53b87901a6215795586644869da4963e8767e5bb3c54d657ba6690a5",
			why: "packets to test the broker with, which each start would lay out in memory",
		},
	}
}

// An addition is a package of ours that corrections use.
type addition struct {
	module string
	folder string // below standin
	why    string
}

func additions() []addition { return []addition{{badger, "sound", unsound}} }

// replaceImport lets the files import what stands in, and adds it to them.
func (s source) replaceImport(x standIn) error {
	published, instead := `"`+x.path+`"`, `"`+x.module+"/standin/"+x.folder+`"`
	found := false
	for name, text := range s {
		if bytes.Contains(text, []byte(published)) {
			s[name] = bytes.ReplaceAll(text, []byte(published), []byte(instead))
			found = true
		}
	}
	if !found {
		return fmt.Errorf("nothing imports %s any more: take it out of badgerfix", x.path)
	}
	return s.add("standin/"+x.folder, x.folder)
}

// exchange takes the file out, if it is the one that was looked at.
func (s source) exchange(x exchange) error {
	text, found := s[x.file]
	if !found {
		return fmt.Errorf("%s is not there any more: this version has to be looked at by a person", x.file)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != x.sum {
		return fmt.Errorf("%s was changed and has the sum %x: this version has to be looked at by a person", x.file, sum)
	}
	delete(s, x.file)
	if x.folder == "" {
		return nil
	}
	return s.add(path.Dir(x.file), x.folder)
}

// add puts the files of a package of ours into a folder of the module.
func (s source) add(to, folder string) error {
	files, err := ours.ReadDir(path.Join("standin", folder))
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.IsDir() || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := ours.ReadFile(path.Join("standin", folder, f.Name()))
		if err != nil {
			return err
		}
		s[path.Join(to, f.Name())] = text
	}
	return nil
}
