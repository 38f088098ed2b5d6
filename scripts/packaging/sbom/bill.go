package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// bill is a bill of materials as CycloneDX 1.5 describes it, as far as we need it.
type bill struct {
	Format     string     `json:"bomFormat"`
	Spec       string     `json:"specVersion"`
	Serial     string     `json:"serialNumber"`
	Version    int        `json:"version"`
	Metadata   metadata   `json:"metadata"`
	Components []bomEntry `json:"components"`
}

type metadata struct {
	Timestamp string   `json:"timestamp"`
	Component bomEntry `json:"component"`
}

type bomEntry struct {
	Ref      string          `json:"bom-ref"`
	Type     string          `json:"type"`
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	PURL     string          `json:"purl"`
	Hashes   []bomHash       `json:"hashes,omitempty"`
	Licences []licenceChoice `json:"licenses,omitempty"`
	Pedigree *pedigree       `json:"pedigree,omitempty"`
}

type bomHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licenceChoice struct {
	Licence struct {
		ID string `json:"id"`
	} `json:"license"`
}

// pedigree tells how a component differs from the one of its name.
type pedigree struct {
	Patches []patch `json:"patches"`
	Notes   string  `json:"notes"`
}

type patch struct {
	Type string `json:"type"`
}

// newBill makes the bill of parts, which are sorted. Its serial number is made from the version, the moment and the parts: two
// bills have the same exactly when they say the same.
func newBill(program, version string, made time.Time, parts []component) bill {
	b := bill{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata: metadata{
			Timestamp: made.Format(time.RFC3339),
			Component: bomEntry{Type: "application", Name: "acs-agent", Version: version, PURL: purl(program, version)},
		},
		Components: []bomEntry{},
	}
	b.Metadata.Component.Ref = b.Metadata.Component.PURL
	said := sha256.New()
	_, _ = fmt.Fprintln(said, program, version, b.Metadata.Timestamp)
	for i := range parts {
		e := parts[i].entry()
		b.Components = append(b.Components, e)
		_, _ = fmt.Fprintln(said, e.PURL, e.Hashes, e.Licences, e.Pedigree != nil)
	}
	b.Serial = serial(said.Sum(nil))
	return b
}

// entry is what the bill says of a component.
func (c *component) entry() bomEntry {
	e := bomEntry{Type: "library", Name: c.path, Version: c.version, PURL: purl(c.path, c.version)}
	e.Ref = e.PURL
	if sum, ok := strings.CutPrefix(c.sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
			e.Hashes = []bomHash{{Algorithm: "SHA-256", Content: hex.EncodeToString(raw)}}
		}
	}
	for _, id := range c.licences {
		var l licenceChoice
		l.Licence.ID = id
		e.Licences = append(e.Licences, l)
	}
	if c.changed {
		e.Pedigree = &pedigree{
			Patches: []patch{{Type: "unofficial"}},
			Notes:   "Built from a copy with the changes of scripts/badgerfix, which has the reasons. The hash is that of the published module.",
		}
	}
	return e
}

// purl names a Go module the way the tools that look for vulnerabilities want it.
func purl(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// serial forms a UUID of version 8 (made by the application's own rule) out of a hash.
func serial(hash []byte) string {
	u := [16]byte(hash)
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}
