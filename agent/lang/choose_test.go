package lang

import "testing"

func TestSystem(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"LANG": "ru_RU.UTF-8"}, Russian},
		{map[string]string{"LANG": "ru"}, Russian},
		{map[string]string{"LANG": "RU_kz.utf8"}, Russian},
		{map[string]string{"LANG": "ru_KZ.UTF-8@currency=kzt"}, Russian},
		{map[string]string{"LANG": "en_US.UTF-8"}, English},
		{map[string]string{"LANG": "run_BI.UTF-8"}, English},
		{map[string]string{"LANG": "C"}, English},
		{map[string]string{"LANG": "ru_RU.KOI8-R"}, English},
		{map[string]string{"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, English},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "ru_RU.UTF-8"}, Russian},
		{map[string]string{"LC_MESSAGES": "ru_RU.UTF-8", "LC_ALL": "C.UTF-8"}, English},
		{map[string]string{"LC_ALL": "", "LANG": "ru_RU.UTF-8"}, Russian},
	} {
		if got := System(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v is %s, want %s", c.env, got, c.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for value, want := range map[string]string{"ru": Russian, "en": English, "de": "", "": ""} {
		if got := Environment(func(string) string { return value }); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

// TestInFile finds the language also where the rest of the file is broken.
func TestInFile(t *testing.T) {
	for text, want := range map[string]string{
		"device: x\nlang: ru\n":                Russian,
		"lang:   \"ru\"  # for the guards\r\n": Russian,
		"lang: 'en'":                           English,
		"\uFEFFlang: ru":                       Russian,
		"device: \"open\n\t- {\nlang: ru":      Russian,
		"uplinks:\n  - lang: ru":               "",
		"# lang: ru":                           "",
		"lang: de\n":                           "",
		"lang: ${LANGUAGE}":                    "",
		"language: ru":                         "",
		"":                                     "",
	} {
		if got := InFile(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
