package lang

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestText translates finished sentences: whole, by their parts, and not at all.
func TestText(t *testing.T) {
	p := New(Russian)
	for _, c := range []struct{ english, want string }{
		{"the journal is full", "журнал заполнен"},
		{"journal: open /x/journal.key: permission denied", "журнал: открытие /x/journal.key: доступ запрещён"},
		{"journal: the journal is in use by a running agent", "журнал: журнал занят работающим агентом"},
		{
			"no right to open /dev/ttyUSB0: add the user acs to the group dialout (usermod -aG dialout acs), then start the service again",
			"нет прав на /dev/ttyUSB0: добавьте пользователя acs в группу dialout (usermod -aG dialout acs), затем перезапустите службу",
		},
		{
			"broker mqtts://b:8883: nothing listens there (is the broker running, and is the port right?)",
			"брокер mqtts://b:8883: там никто не принимает соединения (работает ли брокер и верен ли порт?)",
		},
		{
			"the portal answered 404; check url: the address or its path is not the portal's",
			"портал ответил 404; проверьте url: адрес или путь не портала",
		},
		{
			"the header has no column card and no column iin (the first line names the columns, for example card;iin)",
			"в заголовке нет столбца card и столбца iin (в первой строке — названия столбцов, например card;iin)",
		},
		{
			"cardholders.csv:7: iin: control digit does not fit (a digit is mistyped; compare with the document)",
			"cardholders.csv:7: iin: контрольная цифра не сходится (опечатка в цифре; сверьте с документом)",
		},
		{
			"config.yaml:3:7: lang: there are no messages in \"kk\"\n    3 | lang: the journal is full\n      = write ru or en",
			"config.yaml:3:7: lang: сообщений на языке \"kk\" нет\n    3 | lang: the journal is full\n      = напишите ru или en",
		},
		{`there is no time zone "Asia/Almati": did you mean Asia/Almaty?`, `часового пояса "Asia/Almati" нет: возможно, имелось в виду Asia/Almaty?`},
		{`unknown command "x" for "acs-agent"`, `у "acs-agent" нет команды "x"`},
		{"damaged text", "текст испорчен"},
		{"write characters that an address cannot have as %XX, without spaces and #", "символы, недопустимые в адресе, пишите как %XX, без пробелов и #"},
		{"dial tcp 10.0.0.1:443: connect: connection refused", "соединение tcp с 10.0.0.1:443: в соединении отказано"},
		// What is not known stays as it is, also beside what is.
		{"журнал: the journal is full", "журнал: журнал заполнен"},
		{"the moon is full", "the moon is full"},
		{"uplink visits: the moon is full", "отправка visits: the moon is full"},
		{"held", "held"},
		{"", ""},
		{"  \n", "  \n"},
	} {
		if got := p.Text(c.english); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.english, got, c.want)
		}
	}
}

// TestPrinter formats as package fmt does in English, and in Russian with what the arguments say in Russian.
func TestPrinter(t *testing.T) {
	missing := fmt.Errorf("journal: %w", &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission})
	for _, c := range []struct {
		format        string
		args          []any
		english, want string
	}{
		{"%s in %s\n", []any{"5 mistakes", "config.yaml"}, "5 mistakes in config.yaml\n", "5 ошибок в файле config.yaml\n"},
		{"%s in %s\n", []any{"1 mistake", "config.yaml"}, "1 mistake in config.yaml\n", "1 ошибка в файле config.yaml\n"},
		{"acs-agent: %v\n", []any{missing}, "acs-agent: journal: open /x: permission denied\n", "acs-agent: журнал: открытие /x: доступ запрещён\n"},
		{"%dh%02dm", []any{3, 5}, "3h05m", "3 ч 05 мин"},
		{"%s\t%d\n", []any{"gate-1", 7}, "gate-1\t7\n", "gate-1\t7\n"},
		{"%-10s|", []any{"no port"}, "no port   |", "no port   |"},
		{"%v", []any{90 * time.Second}, "1m30s", "1m30s"},
		{"\n", nil, "\n", "\n"},
	} {
		if got := New(English).Sprintf(c.format, c.args...); got != c.english {
			t.Errorf("%q: got %q, want %q", c.format, got, c.english)
		}
		if got := New(Russian).Sprintf(c.format, c.args...); got != c.want {
			t.Errorf("%q: got %q, want %q", c.format, got, c.want)
		}
	}
	if got := New(Russian).Word("held"); got != "задержан" {
		t.Errorf("held is %q", got)
	}
	if got := New(English).Text("the journal is full"); got != "the journal is full" {
		t.Errorf("English became %q", got)
	}
	if got := New(Russian).Sprintf("%v", errors.New("the journal is closed")); got != "журнал закрыт" {
		t.Errorf("an error became %q", got)
	}
}

// TestForms compares the rule with the list of endings that it stands for.
func TestForms(t *testing.T) {
	passes := parseTemplate("{потерян|потеряны|потеряно} %d {проход|прохода|проходов}")
	for n := range 1001 {
		want := [2]string{"потеряно", "проходов"}
		switch tens, ones := n%100/10, n%10; {
		case tens == 1:
		case ones == 1:
			want = [2]string{"потерян", "проход"}
		case ones >= 2 && ones <= 4:
			want = [2]string{"потеряны", "прохода"}
		}
		number := strconv.Itoa(n)
		if got := passes.render([]string{number}); got != want[0]+" "+number+" "+want[1] {
			t.Errorf("%s", got)
		}
	}
	for value, want := range map[string]string{"21 строка": "1", "-3": "2", "5.5 GiB": "5", "many": "5", "": "5"} {
		if got := parseTemplate("%s{1|2|5}").render([]string{value}); got != value+want {
			t.Errorf("%q with a form is %q", value, got)
		}
	}
	if got := parseTemplate("{none: true} {a|b}").render(nil); got != "{none: true} {a|b}" {
		t.Errorf("other braces became %q", got)
	}
}

// hostile are texts made to be slow: what a portal says is quoted in errors.
var hostile = []string{
	strings.Repeat(": ", 100),
	strings.Repeat("(", 100) + strings.Repeat(")", 100),
	strings.Repeat(" (a", 60) + strings.Repeat(")", 20),
	strings.Repeat("; check url: ", 15),
	strings.Repeat("open x: ", 25),
	"the file " + strings.Repeat("cannot be read: ", 12),
	strings.Repeat("a at ", 40),
	strings.Repeat("%", 200),
	strings.Repeat(`"1 `, 66),
}

func BenchmarkHostile(b *testing.B) {
	p := New(Russian)
	p.Text("warm up")
	for i, s := range hostile {
		b.Run(strconv.Itoa(i), func(b *testing.B) {
			for b.Loop() {
				p.Text(s)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		newCatalogue()
	}
}

var quoted = regexp.MustCompile(`"\w+"`)

// FuzzText wants that nothing that was captured gets lost: each number and each quote is in the translation.
func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	eachPair(func(_, english, _ string) {
		f.Add(strings.NewReplacer("%d", "17", "%s", "gate-1", "%q", `"x y"`, "%w", "no such file or directory", "%v", "5m").Replace(english))
	})
	f.Add("a: \xff\xfe (b)")
	f.Add("lines 3 and 4 fit and belong to different people")
	p := New(Russian)
	f.Fuzz(func(t *testing.T, s string) {
		got := p.Text(s)
		for _, form := range []*regexp.Regexp{digits, quoted} {
			for _, part := range form.FindAllString(s, -1) {
				if !strings.Contains(got, part) {
					t.Errorf("%q lost of\n%q\nin\n%q", part, s, got)
				}
			}
		}
	})
}

func TestWhatIsWrongAndWhatToDoAreUnderstoodApart(t *testing.T) {
	p := New(Russian)
	whole := "the portal did not refuse the key, but did not accept it either: it refuses a request without passes, and its document does " +
		"not say whether it looks at the key before (the first pass tells)"
	said, advice, _ := strings.Cut(strings.TrimSuffix(whole, ")"), " (")
	if got, want := p.Text(said)+" ("+p.Text(advice)+")", p.Text(whole); got != want || got == whole {
		t.Errorf("apart: %s\nas a whole: %s", got, want)
	}
}
