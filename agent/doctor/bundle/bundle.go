// Package bundle makes the archive that a technician sends to whoever helps him: what the doctor found, the configuration without
// what is secret or personal, and how the computer is doing.
//
// What it promises: nothing gets into the archive that was not looked at here. Of the configuration only values of settings are
// shown that cannot be personal; every text from elsewhere loses what is masked in the configuration, the secrets themselves, long
// numbers, hashes, addresses of mail and all words that are not in Latin letters. No list of people, no roster and no inbox is
// ever opened.
package bundle

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A Part is one file of the archive.
type Part struct {
	Name string
	// About says in the manifest what it is.
	About string
	Text  []byte
}

// ErrName says that the name of an archive has none of the known endings.
var ErrName = errors.New("the name of the archive has to end with .zip or .tar.gz")

// Write makes an archive of the parts and of a manifest, which nobody but its owner can read. A file that is there already is left
// as it is. The error names the archive.
func Write(path string, parts []Part, now time.Time) (err error) {
	pack := packZip
	switch {
	case strings.HasSuffix(path, ".zip"):
	case strings.HasSuffix(path, ".tar.gz"), strings.HasSuffix(path, ".tgz"):
		pack = packTar
	default:
		return ErrName
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // named on the command line
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already (name another file, or delete it)", path)
	}
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	all := append([]Part{manifest(parts, now)}, parts...)
	err = errors.Join(pack(file, all, now), file.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("write the archive %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// manifest is the first file of the archive.
func manifest(parts []Part, now time.Time) Part {
	var b strings.Builder
	fmt.Fprintf(&b, `Support archive of acs-agent, made %s.

It is made of plain text. Look at each file before you send it, and delete what you do not want to send.

`, now.UTC().Format(time.RFC3339))
	for _, p := range parts {
		fmt.Fprintf(&b, "%-14s %7d bytes  %s\n", p.Name, len(p.Text), p.About)
	}
	b.WriteString(`
*** stands for what was taken out: secrets, names and numbers of institutions and people, notes, file names, long numbers,
hashes, and every word that is not in Latin letters. Not in here at all: the list of cardholders, rosters, inboxes, the journal,
keys and passwords.
`)
	return Part{Name: "MANIFEST.txt", Text: []byte(b.String())}
}

func packZip(to io.Writer, parts []Part, now time.Time) error {
	w := zip.NewWriter(to)
	for _, p := range parts {
		f, err := w.CreateHeader(&zip.FileHeader{Name: p.Name, Method: zip.Deflate, Modified: now.UTC().Truncate(time.Second)})
		if err != nil {
			return err
		}
		if _, err := f.Write(p.Text); err != nil {
			return err
		}
	}
	return w.Close()
}

func packTar(to io.Writer, parts []Part, now time.Time) error {
	compressed := gzip.NewWriter(to)
	w := tar.NewWriter(compressed)
	for _, p := range parts {
		h := &tar.Header{Name: p.Name, Mode: 0o600, Size: int64(len(p.Text)), ModTime: now.UTC().Truncate(time.Second), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(p.Text); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), compressed.Close())
}
