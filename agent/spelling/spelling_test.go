package spelling

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"direction", "note", "name", "max_size", "max_delay", "Кириллица"}
	for word, want := range map[string][]string{
		"directon":   {"direction"},
		"dircetion":  {"direction"},
		"DIRECTION":  {"direction"},
		"max-size":   {"max_size"},
		"max size":   {"max_size"},
		"noet":       {"note"},
		"nam":        {"name"},
		"кирилица":   {"Кириллица"},
		"telegraph":  {},
		"x":          {},
		"":           {},
		"name\x00\t": {"name"},
	} {
		if got := Nearest(word, known); !slices.Equal(got, want) {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearestFirst(t *testing.T) {
	got := Nearest("max_dela", []string{"max_delta", "max_delay", "min_delay", "max_tela", "max_dela"})
	if len(got) != 3 || got[0] != "max_dela" {
		t.Errorf("%q: want three, the word itself first", got)
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"abcdef", "abcdef", 0},
	} {
		if got := slips([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("slips(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func FuzzNearest(f *testing.F) {
	f.Add("directon", "direction")
	f.Fuzz(func(t *testing.T, word, known string) {
		for _, near := range Nearest(word, []string{known}) {
			if near != known {
				t.Errorf("offered %q, known is only %q", near, known)
			}
		}
	})
}
