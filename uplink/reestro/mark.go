package reestro

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
)

// A mark recognises a subject that comes again: a keyed hash of what it is. Without the key, which is random and lies sealed in
// the store, nobody can try names until one fits. It stands inside of records, never in their keys.
type mark [16]byte

// MarshalText writes base64.
func (m mark) MarshalText() ([]byte, error) {
	return base64.RawStdEncoding.AppendEncode(nil, m[:]), nil
}

// UnmarshalText reads base64.
func (m *mark) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.DecodeString(string(text))
	copy(m[:], b)
	return err
}

// newSecret makes a key for marks.
func newSecret() []byte {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails
	return secret
}

// markOf hashes a person's name and day of birth, or an organization's number. Ways of writing a name (Ё and Е, capitals,
// hyphens) make no difference. INN and SNILS are left out: a list without them is still a list of the same people.
func markOf(secret []byte, s *subject) mark {
	h := hmac.New(sha256.New, secret)
	add := func(part string) { _, _ = h.Write([]byte(part + "\x00")) } // a hash takes everything
	switch {
	case s.Person != nil:
		add("person")
		add(letters(s.Person.Surname))
		add(letters(s.Person.Name))
		add(letters(s.Person.Patronymic))
		add(s.Person.BirthDate)
	case s.Organization != nil:
		add("organization")
		add(s.Organization.OGRN)
	}
	return mark(h.Sum(nil)[:len(mark{})])
}

// letters gives the letters of a name in one form.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		switch r = unicode.ToLower(r); {
		case r == 'ё':
			return 'е'
		case unicode.IsLetter(r):
			return r
		default:
			return -1
		}
	}, name)
}

// An index finds subjects by their marks. Most marks have one subject; namesakes share one.
type index struct {
	first map[mark]uint32
	more  map[mark][]uint32
}

func newIndex() index {
	return index{first: make(map[mark]uint32), more: make(map[mark][]uint32)}
}

func (x *index) add(m mark, number uint32) {
	if _, taken := x.first[m]; taken {
		x.more[m] = append(x.more[m], number)
		return
	}
	x.first[m] = number
}

// find gives the numbers of the subjects with that mark.
func (x *index) find(m mark) []uint32 {
	if number, found := x.first[m]; found {
		return append([]uint32{number}, x.more[m]...)
	}
	return nil
}

// remove forgets that a subject has that mark.
func (x *index) remove(m mark, number uint32) {
	var rest []uint32
	for _, n := range x.find(m) {
		if n != number {
			rest = append(rest, n)
		}
	}
	delete(x.first, m)
	delete(x.more, m)
	for _, n := range rest {
		x.add(m, n)
	}
}
