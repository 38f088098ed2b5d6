package line

import (
	"strings"
	"testing"

	"github.com/acs-agent/acs-agent/drivers"
	"github.com/acs-agent/acs-agent/drivers/drivertest"
)

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct{ settings, want string }{
		"nothing":            {"", ""},
		"none without gap":   {"suffix: none", "gap: is missing"},
		"gap too short":      {"gap: 1ms", "gap: 1ms is not between"},
		"strange suffix":     {"suffix: newline", `"NEWLINE" is no suffix`},
		"strange number":     {"number: octal", `"octal" is no form of a number`},
		"lrc and decimal":    {"lrc: true\nnumber: decimal", "number: does not go with lrc"},
		"lrc and aim":        {"lrc: true\naim: true", "aim: does not go with lrc"},
		"bad pattern":        {"pattern: '(['", "pattern: error parsing regexp"},
		"pattern, no card":   {`pattern: '\d+'`, "pattern: has no group with the name card"},
		"pattern, odd group": {"pattern: '(?P<card>.)(?P<name>.)'", `the group "name" means nothing`},
		"bad ignore":         {"ignore: '*'", "ignore: error parsing regexp"},
		"in and out":         {"directions: {in: [вход], out: [Вход]}", `directions: "вход" is both in and out`},
		"unknown key":        {"sufix: CR", "sufix"},
		"speed":              {"baud: 0", "baud: 0 is no speed"},
	} {
		_, err := Module.New(drivertest.Env(), []drivers.Reader{drivertest.Reader(t, "lobby", "port: /dev/ttyACM0\n"+c.settings)})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
