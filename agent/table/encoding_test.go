package table

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// One name is enough to tell Windows-1251 from the other encodings, whichever way it is written.
func TestOneNameTellsTheEncoding(t *testing.T) {
	names := []string{
		"Пробный Проба Пробович", "Образцова Проба Образцовна", "Примеров Пример", "Ким Проба", "Ахметова Айгуль Серикбаевна",
		"Ержанов Нурлан Болатович", "Щукина Юлия Юрьевна", "Цой Вячеслав Эдуардович", "Жумабекова Гульжан", "Ли Ян",
		"Фёдоров Фёдор Фёдорович", "Объедков Илья Ильич", "Хван Эмма Хановна", "Бекжанов Бауыржан Кыдырбекулы",
	}
	spellings := map[string]func(string) string{"title": func(s string) string { return s }, "upper": strings.ToUpper}
	for _, c := range candidates() {
		for _, name := range names {
			for how, spell := range spellings {
				file, err := c.chars.NewEncoder().String("card;iin;full_name\n1;2;" + spell(name) + "\n")
				if err != nil {
					t.Fatal(err)
				}
				got, err := recognise(strings.NewReader(file))
				if want := c.chars == charmap.Windows1251; (err == nil) != want || want && got != Windows1251 {
					t.Errorf("%s, %s, in %s: %s, %v", name, how, c.name, got, err)
				}
			}
		}
	}
}

func TestSmallLettersTellTheEncoding(t *testing.T) {
	for _, c := range candidates() {
		file, err := c.chars.NewEncoder().String("пробный проба пробович, примерова юлия яновна, ахметов нурлан сергеевич")
		if err != nil {
			t.Fatal(err)
		}
		got, err := recognise(strings.NewReader(file))
		if want := c.chars == charmap.Windows1251; (err == nil) != want {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
}

func TestNumeroSignAloneIsWindows1251OrNothing(t *testing.T) {
	for _, c := range candidates() {
		file, err := c.chars.NewEncoder().String("№ карты;ИИН;ФИО\n1;2;Smith John\n")
		if err != nil {
			continue // CP866 has the sign, some have not
		}
		if got, err := recognise(strings.NewReader(file)); (err == nil) != (c.chars == charmap.Windows1251) {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
}

// A damaged byte makes one bad row; it does not turn the whole file into Windows-1251.
func TestSurveyIsNotMisledByDamage(t *testing.T) {
	whole := strings.Repeat("Пробный Проба Пробович\n", 10_000) // letters lie across the edges of blocks
	for damage, want := range map[string]Encoding{"": UTF8, "\xE0": UTF8, strings.Repeat("\xE0\xE1\xE2 ", 20): UTF8} {
		got, err := recognise(strings.NewReader(whole + damage))
		if err != nil || got != want {
			t.Errorf("damage %q: %s, %v", damage, got, err)
		}
	}
	var s survey
	for i := range len(whole) / 100 {
		s.add([]byte(whole[:len(whole)/100][i : i+1]))
	}
	if s.broken > 0 || s.letters == 0 || len(s.rest) >= utf8.UTFMax {
		t.Errorf("byte by byte: %d letters, %d broken", s.letters, s.broken)
	}
}
