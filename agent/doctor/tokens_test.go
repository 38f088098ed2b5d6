package doctor

import (
	"fmt"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	for line, want := range map[string]string{
		`device: almaty-gate-1   # the name`:       `K device|V device=almaty-gate-1|C`,
		`  - name: gate-1`:                         `K name|V name=gate-1`,
		`  - {name: a b, readers: [x, "y"], n: 1}`: `K name|V name=a b|K readers|V readers=x|V readers=y|K n|V n=1`,
		`"10": in`:                            `K 10|V 10=in`,
		`url: https://host:8443/a#b`:          `K url|V url=https://host:8443/a#b`,
		`note: Корпус 1, вход`:                `K note|V note=Корпус 1, вход`,
		`api_key: 'it''s'`:                    `K api_key|V api_key=it|V api_key=s`,
		`broken: "never ends # not a comment`: `K broken|V broken=never ends # not a comment`,
		`    a line of something folded`:      `V =a line of something folded`,
		`- - x`:                               `V =x`,
		`key:`:                                `K key`,
		``:                                    ``,
		"\t# whole line":                      `C`,
		`a: ]}}: b`:                           `K a|V a=b`,
		`password: ""`:                        `K password`,
		`secret: "a\"b"`:                      `K secret|V secret=a\"b`,
	} {
		got := show(Tokens(line))
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
}

func show(tokens []Token) string {
	var all []string
	for _, t := range tokens {
		switch t.Kind {
		case Key:
			all = append(all, "K "+t.Text)
		case Value:
			all = append(all, fmt.Sprintf("V %s=%s", t.Of, t.Text))
		case Comment:
			all = append(all, "C")
		case Sign:
		}
	}
	return strings.Join(all, "|")
}

func TestSecretPlacesOfABrokenFile(t *testing.T) {
	got := SecretPlaces("uplinks: [{api_key_file: acs.key,\n  api_key: hunter2\n   password: ${PW}\n# api_key: old\n\tclient_key_file: 'a b.key' # c\n")
	want := []SecretPlace{{Key: "api_key_file", Line: 1, File: "acs.key"}, {Key: "api_key", Line: 2, Text: "hunter2"}, {Key: "client_key_file", Line: 5, File: "a b.key"}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Whatever the line: its tokens are the line, so nothing of it is shown that was not looked at.
func FuzzTokens(f *testing.F) {
	for _, line := range []string{`- {a: "b", c: [d, 'e']} # f`, `"\`, `: :#`, "a:\tb"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var all strings.Builder
		for _, token := range Tokens(line) {
			if token.Text == "" {
				t.Fatal("an empty token")
			}
			all.WriteString(token.Text)
		}
		if all.String() != line {
			t.Errorf("%q became %q", line, all.String())
		}
	})
}
