package exam

import (
	"errors"
	"strings"
	"testing"
)

const (
	latinHash    = "88951e982ae66939bd9854ee8bf4a664736d7d2c520f79400871c95eafbd79a9"
	cyrillicHash = "c41ec9e612bf238d5923ba620af4d05aca7bf2776443b3560749a363197d1e29"
	lowerStart   = "7c184fc6"
	emptyHash    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// White space, invisible characters, full-width forms and case make no other document (E6, E8).
func TestTheSameDocumentHasOneHash(t *testing.T) {
	for _, text := range []string{
		"AA1234567", "aa1234567", "Aa 1234567", "AA\u00a01234567", " A A 1 2 3 4 5 6 7 ", "\tAA1234567\r\n", "AA\u200b1234567",
		"\ufeffAA1234567", "AA\u00ad1234567", "AA\u2060123\u200e4567", "ＡＡ１２３４５６７", "ａａ１２３４５６７", "AA\u30001234567",
		"AA\u202f1234567", "AA\u20281234567\u2029", "AA\u1680123\u205f4567", "AA\u00851234567",
	} {
		if got, err := (Documents{}).Hash(text); err != nil || got != latinHash {
			t.Errorf("%q: %s, %v", text, got, err)
		}
		if got, err := (Documents{Lower: true}).Hash(text); err != nil || !strings.HasPrefix(got, lowerStart) {
			t.Errorf("%q in small letters: %s, %v", text, got, err)
		}
	}
	upper, _ := Documents{}.Hash("12 3456789")
	lower, _ := Documents{Lower: true}.Hash("123456789")
	if upper != lower || len(upper) != 64 { // E7
		t.Error("the case changes a document of digits")
	}
}

func TestNothingElseIsRemoved(t *testing.T) {
	plain, _ := Documents{}.Hash("II123456")
	for _, text := range []string{"II-123456", "II№123456", "II.123456", "II/123456"} {
		if got, err := (Documents{}).Hash(text); err != nil || got == plain {
			t.Errorf("%q: %s, %v", text, got, err)
		}
		if !hasSigns(text) {
			t.Errorf("nobody is warned of %q", text)
		}
	}
	if hasSigns(" AA\u00a01234567\u200b") {
		t.Error("a warning of white space")
	}
}

func TestLettersThatLookAlike(t *testing.T) {
	for text, want := range map[string]error{
		"АA1234567":             errMixedDocument, // Cyrillic, then Latin
		"II-АК123456":           errMixedDocument,
		"ΑΒ1234567 A":           errMixedDocument, // Greek and Latin
		"АА1234567":             errCyrillic,
		"аа1234567":             errCyrillic,
		"ВС 12":                 errCyrillic,
		"ЖК1234567":             nil, // Ж looks like no Latin letter, so Cyrillic is meant
		"":                      errNoDocument,
		" \u00a0\u200b\t ":      errNoDocument, // E19
		"AA12345??":             errLostDocument,
		"AA\xff":                errLostDocument,
		"AA\ufffd":              errLostDocument,
		strings.Repeat("1", 65): errLongDocument,
	} {
		got, err := (Documents{}).Hash(text)
		if !errors.Is(err, want) || (want == nil) != (got != "") || got == emptyHash {
			t.Errorf("%q: %s, %v; want %v", text, got, err, want)
		}
	}
	if got, err := (Documents{Latinize: true}).Hash("аА 1234567"); err != nil || got != latinHash {
		t.Errorf("latinized: %s, %v", got, err)
	}
	if got, err := (Documents{Latinize: true, Lower: true}).Hash("АА1234567"); err != nil || !strings.HasPrefix(got, lowerStart) {
		t.Errorf("latinized, in small letters: %s, %v", got, err)
	}
	if _, err := (Documents{Latinize: true}).Hash("AА1234567"); !errors.Is(err, errMixedDocument) {
		t.Errorf("mixed, with latinize: %v", err)
	}
	if hashText("АА1234567") != cyrillicHash {
		t.Error("the vector of the Cyrillic letters")
	}
}

func FuzzDocument(f *testing.F) {
	for _, s := range []string{"AA 1234567", "АА1234567", "II-АК 123456", "\u200b", "ＡＡ１", "ß1", "ǆ12", "İ1"} {
		f.Add(s, true, false)
	}
	f.Fuzz(func(t *testing.T, s string, lower, latinize bool) {
		d := Documents{Lower: lower, Latinize: latinize}
		hash, err := d.Hash(s)
		switch {
		case err != nil && hash != "", err == nil && (!isHash(hash) || hash == emptyHash):
			t.Fatalf("%q: %q, %v", s, hash, err)
		case err != nil && len(s) > 8 && strings.Contains(err.Error(), s):
			t.Fatalf("the error repeats the document: %v", err)
		}
		if spaced, again := d.Hash(" " + strings.ReplaceAll(s, "1", "1\u00a0")); err == nil && (again != nil || spaced != hash) {
			t.Fatalf("%q with spaces: %q, %v", s, spaced, again)
		}
	})
}
