package config

import "slices"

// clock checks what becomes of passes whose time is in doubt.
func (ck *checker) clock(doc *document) {
	ck.oneOf("clock.trust", doc.Clock.Trust, "auto", "synchronized", "always")
	ck.oneOf("clock.after_hold", doc.Clock.AfterHold, KeepHeld, SendApproximate)
}

// oneOf checks a setting that is one of some words.
func (ck *checker) oneOf(field, word string, words ...string) {
	if !slices.Contains(words, word) {
		ck.wrongf(field, meant(word, words, ""), "%q is nothing that can stand here", word)
	}
}
