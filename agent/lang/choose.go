package lang

import "strings"

// Of the environment, what names the language: the program's own variable, and those of the system in the order in which they
// count.
const variable = "ACS_AGENT_LANG"

// Environment gives the language that ACS_AGENT_LANG asks for; empty if it asks for none that there are messages in.
func Environment(getenv func(string) string) string {
	if l := getenv(variable); Known(l) {
		return l
	}
	return ""
}

// System gives the language of the user: by LC_ALL, LC_MESSAGES or LANG, or what the system itself says where none of them is
// set. Where the terminal is said to have another encoding than UTF-8 it is English, whose letters all encodings have.
func System(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if locale := getenv(name); locale != "" {
			return ofLocale(locale)
		}
	}
	return ofSystem()
}

// Known says whether there are messages in a language.
func Known(language string) bool { return language == English || language == Russian }

// ofLocale reads a locale such as ru_RU.UTF-8.
func ofLocale(locale string) string {
	locale, _, _ = strings.Cut(locale, "@")
	locale, encoding, given := strings.Cut(locale, ".")
	language, _, _ := strings.Cut(locale, "_")
	if given && !strings.EqualFold(strings.ReplaceAll(encoding, "-", ""), "utf8") || !strings.EqualFold(language, Russian) {
		return English
	}
	return Russian
}

// InFile finds the line lang: in the text of a configuration, which may be broken everywhere else; empty if there is none, or
// one that names no known language.
func InFile(text string) string {
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		value, found := strings.CutPrefix(line, "lang:")
		if !found {
			continue
		}
		value, _, _ = strings.Cut(value, " #")
		if value = strings.Trim(strings.TrimSpace(value), `"'`); Known(value) {
			return value
		}
	}
	return ""
}
