package exam

import "github.com/acs-agent/acs-agent/agent/event"

// Conceals implements uplink.Concealing: the readers at which documents are shown.
func (e *exam) Conceals() []string { return e.DocumentReaders }

// Conceal implements uplink.Concealing: of a document only its hash is kept, and nothing at all of one that cannot be hashed.
func (e *exam) Conceal(c *event.Credential) error {
	hash, err := e.documents().Hash(c.Text)
	*c = event.Credential{Format: c.Format + event.Hashed, Text: hash}
	return err
}
